"""Finished cases of an unfinished job: Snakemake deletes a killed job's outputs, so they wait elsewhere."""

from collections.abc import Callable
from pathlib import Path

from lvpipe.files import replacing


class Spool:
    """A folder of files keyed by all that they depend on; a job that runs again finds what it had finished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[tuple[Path, Path]] = []

    def make(self, key: str, target: Path, write: Callable[[Path], None]) -> None:
        """Write the file of this key unless it is here already; `release` will put it at `target`."""
        kept = self._folder / f"{key}{''.join(target.suffixes[-2:])}"
        if not kept.exists():
            with replacing(kept) as scratch:
                write(scratch)
        self._waiting.append((kept, target))

    def release(self) -> None:
        """Rename all files into place, now that every one of them is finished."""
        for kept, target in self._waiting:
            target.parent.mkdir(parents=True, exist_ok=True)
            kept.replace(target)
        self._waiting.clear()
        for leftover in self._folder.glob("*"):
            leftover.unlink()
        if self._folder.is_dir():
            self._folder.rmdir()
