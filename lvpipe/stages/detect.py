"""`detect`: one square per slice around the heart.

`cascade`, `classifier`, `fitter`, `locator`: learn a part of a detector. `find`: the boxes of some cases.
`picture`: show them.
"""

import importlib
import sys
from collections.abc import Sequence

STEPS = ("cascade", "classifier", "fitter", "locator", "find", "picture")
"""Modules of lvpipe/detection/steps: loaded by name, so that a change in one makes only its own files again."""


def main(argv: Sequence[str]) -> None:
    """Dispatch to the step's own main."""
    if not argv or argv[0] not in STEPS:
        sys.exit(f"usage: lvpipe detect STEP ...   (steps: {', '.join(STEPS)}; `lvpipe detect STEP --help` tells more)")
    importlib.import_module(f"lvpipe.detection.steps.{argv[0]}").main(argv[1:])
