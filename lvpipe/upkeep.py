"""What happens before a run's first job: a look at where it will write, and the broom for what kills left."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lvpipe.errors import UserError
from lvpipe.files import SCRATCH

MADE = ("results", ".spool", "logs")
"""The folders that a run writes to, in its working directory."""


def prepare(folder: Path) -> None:
    """Refuse a folder that cannot be written to, now and not after minutes of work; sweep up what was never finished.

    Only for a run that holds the folder's lock: another run's unfinished files look the same.

    Raises:
        UserError: one line for the first place that cannot be written to.
    """
    for made in (folder, *(folder / name for name in MADE)):
        if made.exists() and not (made.is_dir() and os.access(made, os.W_OK | os.X_OK)):
            raise UserError(_refusal(made))
    for scratch in list(_unfinished(folder)):
        shutil.rmtree(scratch) if scratch.is_dir() else scratch.unlink(missing_ok=True)


def _refusal(made: Path) -> str:
    if not made.is_dir():
        return f"{made} is a file, expected a folder to write to: move it away and run again"
    return (
        f"{made} cannot be written to (a read-only file system, or somebody else's folder); nothing was done: "
        f"make it writable (`findmnt --target {made}`, `ls -ld {made}`) or give another --directory, and run again"
    )


def _unfinished(folder: Path) -> Iterator[Path]:
    """Scratch files and folders of jobs that were killed: nobody else would ever delete them."""
    for made in MADE:
        for parent, folders, files in os.walk(folder / made):
            scratch = [name for name in folders if _is_scratch(name)]
            yield from (Path(parent) / name for name in (*scratch, *filter(_is_scratch, files)))
            folders[:] = [name for name in folders if name not in scratch]


def _is_scratch(name: str) -> bool:
    return name.startswith(".") and name.endswith(SCRATCH)
