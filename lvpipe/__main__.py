"""`python -m lvpipe STAGE ...`: run one stage on files named on the command line, as the workflow's rules do.

`lvpipe why` and `lvpipe trace` ask questions about a run.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lvpipe.errors import UserError
from lvpipe.faults import in_words

STAGES = (
    "phantom",
    "convert",
    "resample",
    "detect",
    "train",
    "search",
    "segment",
    "regress",
    "postprocess",
    "integrate",
    "calibrate",
    "score",
    "published",
    "report",
)
"""The stage words, in the order of the pipeline."""
COMMANDS = ("why", "trace")
"""For people: what would run again and why; where a number comes from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Dispatch to the stage's own main; a user's mistake or a machine's fault ends in one line and exit code 1."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in STAGES + COMMANDS:
        print(f"usage: lvpipe STAGE ...   (stages: {', '.join(STAGES)}; `lvpipe STAGE --help` tells more)")
        print("       lvpipe convert DIR OUT.nii.gz   (the short-axis cine of one study)")
        print("       lvpipe why ...     (what would run again, and why)")
        print("       lvpipe trace ...   (where a number comes from, back to the source files)")
        return 0 if words[:1] in (["--help"], ["-h"]) else 2
    package = "stages" if words[0] in STAGES else "explain"
    try:
        importlib.import_module(f"lvpipe.{package}.{words[0]}").main(words[1:])
    except UserError as error:
        return _tell(words[0], str(error))
    except (OSError, MemoryError, RuntimeError) as error:
        told = in_words(error)
        if told is None:
            raise
        return _tell(words[0], told)
    return 0


def _tell(word: str, message: str) -> int:
    print(f"lvpipe {word}: {message}", file=sys.stderr)
    return 1


def _leave(code: int) -> NoReturn:
    """End at once: Python takes two seconds to take torch and MONAI apart, a kill in which wastes a finished job."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
