"""What happens before a run's first job: a look at where it will write; and the broom for what kills left."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lvpipe.errors import UserError
from lvpipe.files import SCRATCH
from lvpipe.record_names import STATE

MADE = ("results", ".spool", "logs")
"""The folders that a run writes to, in its working directory."""

LEAST_ROOM_BYTES = 2**20
"""A disk with less room is called full: a job that found no room has given back what it had taken."""


def check_state(folder: Path) -> None:
    """Refuse, when the workflow is parsed, a folder in which Snakemake would end in a traceback, even in a dry run.

    Raises:
        UserError: one line.
    """
    _check(folder / STATE, "Snakemake keeps its records there, even in a dry run")


def check_places(folder: Path) -> None:
    """Refuse what cannot be written to, now and not after minutes of work.

    Raises:
        UserError: one line for the first place that cannot be written to.
    """
    for made in MADE:
        _check(folder / made, "nothing was done")


def sweep(folder: Path) -> None:
    """Remove what was never finished; part of `make resume`, whose user says that no other run is alive here.

    Not of every run: Snakemake locks files, not folders, and the unfinished files of another living run look the same.
    """
    for scratch in list(_unfinished(folder)):
        shutil.rmtree(scratch) if scratch.is_dir() else scratch.unlink(missing_ok=True)


def full_disks(folder: Path) -> list[str]:
    """After a failure, a line for each disk of the run that is full: a job cannot say so in a log on that disk."""
    made = (folder, *(folder / name for name in (*MADE, STATE)))
    places = {place.stat().st_dev: place for place in reversed(made) if place.exists()}
    free_bytes = {place: shutil.disk_usage(place).free for place in places.values()}
    return [
        f"{place.absolute()}: no space left on its disk ({free / 1000:.0f} kB); make room there, then `make resume`: "
        f"finished files are kept"
        for place, free in free_bytes.items()
        if free < LEAST_ROOM_BYTES
    ]


def _check(made: Path, why: str) -> None:
    """The folder, or where it does not exist yet the one in which it will be made."""
    place = made if made.exists() else made.parent
    if not place.is_dir():
        raise UserError(f"{place} is a file, expected a folder to write to: move it away and run again")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(
            f"{place.absolute()} cannot be written to (a read-only file system, or somebody else's folder); {why}: "
            f"make it writable (`findmnt --target` and `ls -ld` tell why it is not) or give another --directory"
        )


def _unfinished(folder: Path) -> Iterator[Path]:
    """Scratch files and folders of jobs that were killed: nobody else would ever delete them."""
    for made in MADE:
        for parent, folders, files in os.walk(folder / made):
            scratch = [name for name in folders if is_scratch(name)]
            yield from (Path(parent) / name for name in (*scratch, *filter(is_scratch, files)))
            folders[:] = [name for name in folders if name not in scratch]


def is_scratch(name: str) -> bool:
    """Whether a file or folder of this name was never finished."""
    return name.startswith(".") and name.endswith(SCRATCH)
