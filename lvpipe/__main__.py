"""`python -m lvpipe STAGE ...`: run one stage on files named on the command line, as the workflow's rules do.

`lvpipe why` and `lvpipe trace` ask questions about a run.
"""

import importlib
import sys
from collections.abc import Sequence

from lvpipe.errors import UserError

STAGES = (
    "phantom",
    "convert",
    "resample",
    "detect",
    "train",
    "segment",
    "postprocess",
    "integrate",
    "calibrate",
    "score",
    "report",
)
"""The stage words, in the order of the pipeline."""
COMMANDS = ("why", "trace")
"""For people: what would run again and why; where a number comes from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Dispatch to the stage's own main; a user's mistake ends in one line and exit code 1."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in STAGES + COMMANDS:
        print(f"usage: lvpipe STAGE ...   (stages: {', '.join(STAGES)}; `lvpipe STAGE --help` tells more)")
        print("       lvpipe why ...     (what would run again, and why)")
        print("       lvpipe trace ...   (where a number comes from, back to the source files)")
        return 0 if words[:1] in (["--help"], ["-h"]) else 2
    package = "stages" if words[0] in STAGES else "explain"
    try:
        importlib.import_module(f"lvpipe.{package}.{words[0]}").main(words[1:])
    except UserError as error:
        print(f"lvpipe {words[0]}: {error}", file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"lvpipe {words[0]}: {error.filename or error}: no such file", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
