"""What an unfinished job has finished: Snakemake deletes a killed job's outputs, so it waits elsewhere."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

from lvpipe.files import replacing


class Spool:
    """A folder of what a job keeps, keyed by all that it depends on; a job that runs again finds what it had.

    A spool belongs to one job alone.
    """

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

    def keep(self, key: str) -> Path:
        """The folder of this key, for what a job reads and writes as it goes on; all else in the spool is removed.

        So the disk does not fill with what jobs left that were killed before their settings changed.
        """
        kept = self._folder / key
        kept.mkdir(parents=True, exist_ok=True)
        for other in list(self._folder.iterdir()):
            if other != kept:
                _remove(other)
        return kept

    def release(self) -> None:
        """Move all files into place, now that every one of them is finished, and remove the spool."""
        for kept, target in self._waiting:
            target.parent.mkdir(parents=True, exist_ok=True)
            _move(kept, target)
        self._waiting.clear()
        if self._folder.is_dir():
            for leftover in list(self._folder.iterdir()):
                _remove(leftover)
            self._folder.rmdir()


def _move(kept: Path, target: Path) -> None:
    """Rename; where the target is on another file system, by a copy beside it, so that it still appears whole."""
    try:
        kept.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(target) as scratch:
            shutil.copyfile(kept, scratch)


def _remove(path: Path) -> None:
    if path.is_dir():
        # First another name: what a kill leaves of a half-removed folder must not be taken for the whole.
        shutil.rmtree(path.replace(path.with_name(f"{path.name}.gone")))
    else:
        path.unlink()
