"""The account of one case: what was in the source, and each mend or loss with the rule that made it.

No name, identifier, date, UID or source path may stand here: files are known by their hashes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

DIGEST_SHOWN = 16
"""Hex digits of a file's SHA-256 that stand in a ledger: 64 bits tell any two files of a source apart."""


@dataclass(frozen=True)
class Event:
    """One application of a rule; `position_mm` along the stack's axis where it concerns one slice."""

    rule: str
    what: str
    position_mm: float | None = None


@dataclass
class Ledger:
    """Events of one conversion in the order in which they happened."""

    events: list[Event] = field(default_factory=list)

    def note(self, rule: str, what: str, position_mm: float | None = None) -> None:
        """Write an event down."""
        self.events.append(Event(rule, what, None if position_mm is None else round(position_mm, 3)))

    def rows(self) -> list[dict[str, object]]:
        """The events as they stand in the file."""
        return [{"rule": e.rule, "position_mm": e.position_mm, "what": e.what} for e in self.events]


def digest(content: bytes) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def combined_digest(digests: Iterable[str]) -> str:
    """One digest for a set of files, whatever their names and order."""
    return digest("\n".join(sorted(digests)).encode())
