"""The account of one case: every slice that was found and its fate, each mend or loss with the rule that made it.

No name, identifier, date, UID or source path may stand here: files are known by their hashes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

from lvpipe.cine.rules import ON_LABELS
from lvpipe.errors import Rejected

if TYPE_CHECKING:
    from lvpipe.study import Frame

DIGEST_SHOWN = 16
"""Hex digits of a file's SHA-256 that stand in a ledger: 64 bits tell any two files of a source apart."""

Fate = Literal["kept", "mended", "dropped", "rejected"]


@dataclass(frozen=True)
class Event:
    """One application of a rule; `position_mm` along the stack's axis where it concerns one slice."""

    rule: str
    what: str
    position_mm: float | None = None


@dataclass(eq=False)
class Found:
    """A slice as it was found, and what became of it; rules write into it through the ledger alone.

    `left_out` has frames that a slice of the cine lost: the frame, the rule, the step of the cycle where one is known.
    `slice` is its index in the cine.
    """

    frames: tuple["Frame", ...]
    acquired: tuple[int, ...]
    position_mm: float = 0.0
    tilt_degrees: float = 0.0
    mended: list[str] = field(default_factory=list)
    dropped: str = ""
    why: str = ""
    left_out: list[tuple["Frame", str, int | None]] = field(default_factory=list)
    slice: int | None = None

    @property
    def fate(self) -> Fate:
        """What became of the slice, the case's own fate aside."""
        if self.dropped:
            return "dropped"
        return "mended" if self.mended else "kept"

    @property
    def rules(self) -> list[str]:
        """Every rule that was applied to it, in order, each once."""
        return list(dict.fromkeys([*self.mended, *([self.dropped] if self.dropped else [])]))

    @property
    def frames_found(self) -> int:
        """How many images there were of it."""
        return sum(not frame.blank for frame in self.frames)

    @property
    def frames_kept(self) -> int:
        """How many of them are in the cine."""
        return 0 if self.dropped else self.frames_found - len(self.left_out)


@dataclass
class Ledger:
    """Slices and events of one conversion, these in the order in which they happened."""

    events: list[Event] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)

    def note(self, rule: str, what: str, position_mm: float | None = None) -> None:
        """Write down what concerns the study, or a place in it."""
        self.events.append(Event(rule, what, None if position_mm is None else round(position_mm, 3)))

    def enter(self, frames: Iterable["Frame"], acquired: tuple[int, ...]) -> Found:
        """A slice enters the account, with what decoders mended in its files; it may leave by `drop` alone."""
        images = tuple(frames)
        mended = dict.fromkeys(note.rule for frame in images for note in frame.notes if note.rule not in ON_LABELS)
        self.found.append(Found(images, acquired, mended=list(mended)))
        return self.found[-1]

    def divide(self, rule: str, what: str, one: Found, parts: Iterable[tuple["Frame", ...]]) -> list[Found]:
        """One of the found was several acquisitions; the later ones rank higher."""
        pieces = [
            Found(frames, (*one.acquired, rank), one.position_mm, one.tilt_degrees, [*one.mended, rule])
            for rank, frames in enumerate(parts)
        ]
        place = self.found.index(one)
        self.found[place : place + 1] = pieces
        self.note(rule, what, one.position_mm)
        return pieces

    def mend(self, rule: str, what: str, *mended: Found) -> None:
        """One event for the slices that a rule changed."""
        for one in mended:
            one.mended.append(rule)
        self.note(rule, what, mended[0].position_mm if len(mended) == 1 else None)

    def drop(self, rule: str, what: str, one: Found) -> None:
        """The slice is not in the cine."""
        one.dropped, one.why = rule, what
        self.note(rule, what, one.position_mm)

    def leave_out(self, rule: str, one: Found, frames: Iterable[tuple["Frame", int | None]]) -> None:
        """These frames of a slice that stays are not in the cine; the rule says it in an event of its own."""
        gone = [(frame, rule, step) for frame, step in frames if not frame.blank]
        one.left_out += gone
        if gone:
            one.mended.append(rule)

    def reject(self, rule: str, reason: str) -> NoReturn:
        """The case cannot be used.

        Raises:
            Rejected: always.
        """
        self.note(rule, reason)
        raise Rejected(reason)

    def rows(self) -> list[dict[str, object]]:
        """The events as they stand in the file."""
        return [{"rule": e.rule, "position_mm": e.position_mm, "what": e.what} for e in self.events]

    def by_position(self) -> list[Found]:
        """What was found, from base to apex; of one position, in the order of acquisition."""
        return sorted(self.found, key=lambda one: (round(one.position_mm, 3), one.acquired))

    def fates(self, rejected: bool = False) -> list[dict[str, object]]:
        """Every slice that was found, as it stands in the file; of a rejected case none is kept."""
        ranks = {id(one): rank for rank, one in enumerate(sorted(self.found, key=lambda one: one.acquired), start=1)}
        return [_row(one, ranks[id(one)], rejected) for one in self.by_position()]


def _row(one: Found, rank: int, rejected: bool) -> dict[str, object]:
    grid = one.frames[0].plane
    return {
        "position_mm": round(one.position_mm, 3),
        "tilt_degrees": round(one.tilt_degrees, 3),
        "fate": "rejected" if rejected and not one.dropped else one.fate,
        "rules": one.rules,
        "why": one.why,
        "slice": None if rejected else one.slice,
        "acquired": rank,
        "frames_found": one.frames_found,
        "frames_kept": 0 if rejected else one.frames_kept,
        "shape_yx": list(grid.shape_yx),
        "spacing_yx_mm": [round(value, 6) for value in grid.spacing_yx_mm],
        "files": list(dict.fromkeys(_shown(frame) for frame in one.frames if not frame.blank)),
        "left_out": [{"rule": rule, "step": step, "file": _shown(frame)} for frame, rule, step in one.left_out],
    }


def _shown(frame: "Frame") -> str:
    return frame.sha256[:DIGEST_SHOWN]


def digest(content: bytes) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def combined_digest(digests: Iterable[str]) -> str:
    """One digest for a set of files, whatever their names and order."""
    return digest("\n".join(sorted(digests)).encode())
