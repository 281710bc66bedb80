"""Names for people's folders: a keyed hash for what goes into results, and the way back in a place of its own.

Folder names of an export can be personal data. A case is therefore named by a hash that nobody can repeat without its
key. This lies in `.private/` of the working directory: take it along, and the same folders get the same names anywhere.
"""

import csv
import hmac
import io
import os
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from lvpipe.errors import UserError

PRIVATE = ".private"
"""Beside results/, never in it; not part of the repository."""

KEY = "case-names.key"
NAMES = "case-names.csv"
"""The way back: which name stands for what."""

_COLUMNS = ("name", "stands_for")
_KEY_BYTES = 32
_DIGITS = 10
"""Hex digits of a name: 40 bits, so that two of 10,000 folders meet once in 20,000 runs (which is then said)."""


def read_key(folder: Path = Path()) -> bytes:
    """The key of a working directory; made at the first need.

    Raises:
        UserError: it cannot be made, or is none.
    """
    path, done = folder / PRIVATE / KEY, "read"
    try:
        if not path.exists():
            done = "made"
            _make_key(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise UserError(
            f"{path}: the key of the case names cannot be {done} ({error.strerror}); expected a folder that can be "
            f"written to: run once where it can, or copy the key of another run there"
        ) from None
    if len(text) != 2 * _KEY_BYTES or set(text) - set("0123456789abcdef"):
        raise UserError(
            f"{path}: not a key; expected {2 * _KEY_BYTES} hex digits: put the right file back, "
            f"or delete it, and all cases get new names"
        )
    return bytes.fromhex(text)


def pseudonym(key: bytes, text: str) -> str:
    """The name that stands for a folder or a patient; it does not depend on how accents are coded."""
    plain = unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape")
    return "c" + hmac.new(key, plain, "sha256").hexdigest()[:_DIGITS]


def remember(names: Mapping[str, str], folder: Path = Path()) -> None:
    """Write down what names stand for, beside those of earlier runs; nothing is written where all are known.

    The list is a convenience that the key and the folders can make again: where it cannot be written, work goes on.
    """
    path = folder / PRIVATE / NAMES
    try:
        known = _read_names(path)
        if not names.items() <= known.items():
            _write_privately(path, _table({**known, **names}))
    except (OSError, csv.Error):
        return


def _make_key(path: Path) -> None:
    """Of several that make it at the same moment, the first wins."""
    scratch = _scratch(path, secrets.token_hex(_KEY_BYTES) + "\n")
    try:
        os.link(scratch, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _write_privately(path: Path, text: str) -> None:
    _scratch(path, text).replace(path)


def _scratch(path: Path, text: str) -> Path:
    """A finished file beside `path` that its owner alone can read; git is told to leave the folder alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignored = path.parent / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", encoding="utf-8")
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
        os.fsync(stream.fileno())
    return scratch


def _read_names(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        rows = (tuple(row) for row in csv.reader(stream))
        return {row[0]: row[1] for row in rows if len(row) == len(_COLUMNS) and row != _COLUMNS}


def _table(names: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(sorted(names.items()))
    return text.getvalue()
