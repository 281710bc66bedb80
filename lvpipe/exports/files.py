"""All files of an export, by one look at each header: images by study, and what is none, is damaged or is a copy."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lvpipe.cine.ledger import DIGEST_SHOWN
from lvpipe.decoders.dicom.look import Look, look
from lvpipe.exports.places import Place, Shown, places_of
from lvpipe.files import file_sha256
from lvpipe.study import Note

_HEAD_BYTES = 64 * 2**10
"""The headers of a file of one image are shorter; a multi-frame file has some KiB for each frame."""
_HEAD_BYTES_MAX = 16 * 2**20

_MAGIC_AT = 128
_GROUPS = (b"\x08\x00", b"\x02\x00")
"""How a DICOM file starts that lacks the preamble: old archives write such."""

_COPIES_NAMED = 8
"""Copies of so many files are named: the ledger has the digests of those that stay in any case."""


@dataclass
class Export:
    """All that was found below the folders; `damaged` has a digest and a cause for each MR image without a place."""

    studies: dict[str, list[Place]] = field(default_factory=dict)
    no_dicom: int = 0
    no_image: int = 0
    damaged: list[tuple[str, str]] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    def notes(self) -> list[Note]:
        """What is left out before any choice."""
        notes = [Note("drop_unreadable", f"file {digest}: {cause}; dropped") for digest, cause in self.damaged]
        if self.no_dicom:
            what = f"{self.no_dicom} files that are not readable as DICOM, left out"
            notes.append(Note("skip_other_files", what))
        if self.no_image:
            what = f"{self.no_image} DICOM files without an image that says where it lies, left out"
            notes.append(Note("skip_unplaced", what))
        if self.copies:
            what = f"{len(self.copies)} copies of other files dropped: {_named(self.copies)}"
            notes.append(Note("drop_copies", what))
        return notes


def look_at(files: Iterable[Path]) -> Export:
    """One look at each file's header; files of one header are read whole, to tell copies from other images."""
    export = Export()
    studies: dict[str, list[Shown]] = defaultdict(list)
    known = _Known()
    for path in files:
        head = _look(path)
        if head is None:
            export.no_dicom += 1
        elif copied := known.copied(path, head):
            export.copies.append(copied[:DIGEST_SHOWN])
        elif shown := _shown(path, head):
            studies[head.study] += shown
        elif cause := _damage(head):
            export.damaged.append((_digest(path)[:DIGEST_SHOWN], cause))
        else:
            export.no_image += 1
    export.studies = {study: places_of(shown) for study, shown in studies.items()}
    return export


class _Known:
    """Headers that were met, each with its first file, and digests of all its files once there is a second."""

    def __init__(self) -> None:
        self._first: dict[Look, Path] = {}
        self._digests: dict[Look, set[str]] = {}

    def copied(self, path: Path, head: Look) -> str:
        """The file's digest where a file of the same bytes was met before, else nothing."""
        first = self._first.setdefault(head, path)
        if first is path:
            return ""
        digests = self._digests.setdefault(head, {_digest(first)})
        own = _digest(path)
        known = own in digests
        digests.add(own)
        return own if known else ""


def _look(path: Path) -> Look | None:
    """None for what is no DICOM, or cannot be read; of large files the beginning alone is read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            if head[_MAGIC_AT : _MAGIC_AT + 4] != b"DICM" and not head.startswith(_GROUPS):
                return None
            found = look(head)
            if (found is None or found.refusal) and len(head) == _HEAD_BYTES:
                found = look(head + stream.read(_HEAD_BYTES_MAX))
            return found
    except OSError:
        return None


def _shown(path: Path, head: Look) -> list[Shown]:
    return [Shown(path, head, view.plane, view.trigger_ms) for view in head.views if view.plane is not None]


def _damage(head: Look) -> str:
    """Why an MR image without any place has none; "" for a file that need not have one."""
    return head.views[0].unplaced if head.is_mr_image and not head.refusal else ""


def _digest(path: Path) -> str:
    """A file that can no longer be read is like no other."""
    try:
        return file_sha256(path)
    except OSError:
        return ""


def _named(digests: list[str]) -> str:
    more = len(digests) - _COPIES_NAMED
    return ", ".join(digests[:_COPIES_NAMED]) + (f" and {more} more" if more > 0 else "")
