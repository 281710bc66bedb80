"""Writing so that nothing half-written is ever mistaken for a result, and the same input gives the same bytes."""

import csv
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lvpipe.errors import UserError

SCRATCH = ".part"
"""How the names of unfinished files and folders end; they start with a dot. What a kill leaves is swept by it."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; it takes the place of `path` only if the block succeeds."""
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=SCRATCH, dir=path.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        with naming(path, scratch):
            yield scratch
            scratch.chmod(0o644)
            _settle(scratch)
            scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `folder`; it takes its place only if the block succeeds."""
    with naming(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=SCRATCH, dir=folder.parent))
    # Held open: its number of links tells whether it is still the folder that was made here.
    handle = os.open(scratch, os.O_RDONLY)
    try:
        with naming(folder, scratch):
            yield scratch
            if not os.fstat(handle).st_nlink:
                raise UserError(f"{folder}: what was written was deleted meanwhile; end other runs in this folder")
            scratch.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            scratch.replace(folder)
    finally:
        os.close(handle)
        shutil.rmtree(scratch, ignore_errors=True)


def _settle(scratch: Path) -> None:
    """Wait until the disk has it: quotas and network disks may refuse late, and a crash must not leave an empty file
    under a final name, which would read as a rejected case. 1 to 3 ms a file (ext4 on a solid-state disk).
    """
    handle = os.open(scratch, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def naming(path: Path, scratch: Path | None = None) -> Iterator[None]:
    """Let an error of the system name `path`: a failed write names no file, and scratch names mean nothing to users."""
    try:
        yield
    except OSError as error:
        if error.filename is None or scratch is None or str(error.filename).startswith(str(scratch)):
            error.filename = str(path)
        raise


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn text that cannot be read into a line that names the file and the place."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8 text; {_MEND}") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not JSON ({error.msg}); {_MEND}") from None
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV table ({error}); {_MEND}") from None


_MEND = "expected what the program wrote: mend the file if it is yours, else delete it and run again"


def write_bytes(path: Path, content: bytes) -> None:
    """Write the file whole or not at all."""
    with replacing(path) as scratch:
        scratch.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write the file whole or not at all, as UTF-8."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write with sorted keys, so that equal content has equal bytes."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a zero-byte file (a rejected case) reads as None."""
    with reading(path):
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if text else None


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV with exactly these columns; None becomes an empty cell, floats are rounded to be stable."""
    with replacing(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row[column]) for column in columns] for row in rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a CSV as one mapping a row; a zero-byte file (a rejected case) has no rows."""
    with reading(path), path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        return [_whole(path, rows.line_num, row) for row in rows]


def _whole(path: Path, line: int, row: dict[str, str]) -> dict[str, str]:
    """Refuse a row with more or fewer cells than the table has columns: it was cut off, or edited by mistake."""
    cells: list[object] = [*row, *row.values()]
    if None in cells:
        raise UserError(f"{path}, line {line}: not as many cells as the table has columns; {_MEND}")
    return row


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else format(value, ".8g")
    return str(value)


def file_sha256(path: Path) -> str:
    """SHA-256 of the file's content, as other programs print it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
