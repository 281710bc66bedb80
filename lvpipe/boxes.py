"""The stage `detect`'s file: one square per slice around the heart, how it was found, and how sure that is."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lvpipe.errors import Rejected, UserError
from lvpipe.files import read_json, write_json
from lvpipe.squares import Squares

NO_HEART = "no heart was found"

_DIGITS = 3
"""Thousandths of a pixel and of a score: more would be noise that differs between machines."""


@dataclass(frozen=True)
class Boxes:
    """Row and column of each slice's middle and its side, in pixels of a view; a square may reach outside the image.

    `reason` says why there is none, or why it is doubtful. `rivals` has the study's middle by every method that was
    asked, and `proposals` the squares that the method chose from: slice, row, column, side, score.
    """

    method: str
    pixel_mm: float
    squares: tuple[tuple[float, float, float], ...]
    score: float = 1.0
    scores: tuple[float | None, ...] = ()
    reason: str = ""
    doubtful: bool = False
    rivals: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    proposals: tuple[tuple[float, ...], ...] = ()

    @property
    def array(self) -> Squares:
        """The squares as `(slices, 3)`."""
        return np.array(self.squares, float).reshape(-1, 3)

    def rivals_mm(self) -> dict[str, float | None]:
        """How far each rival's middle of the study lies from this one's; None where either found no heart."""
        others = {name: place for name, place in self.rivals.items() if name != self.method}
        if not self.squares:
            return dict.fromkeys(others)
        middle = np.median(self.array[:, :2], axis=0)
        return {
            name: None if place is None else float(np.hypot(*(middle - place))) * self.pixel_mm
            for name, place in others.items()
        }


def read_boxes(path: Path) -> Boxes:
    """Read a box file.

    Raises:
        Rejected: the file has zero bytes, or no heart was found.
    """
    boxes = read_finding(path)
    if not boxes.squares:
        raise Rejected(f"{NO_HEART}: {boxes.reason}")
    return boxes


def read_finding(path: Path) -> Boxes:
    """Read a box file, with or without a heart.

    Raises:
        Rejected: the file has zero bytes.
        UserError: it was written by another version.
    """
    content = read_json(path)
    if content is None:
        raise Rejected(f"{path.name} is empty: the case was rejected earlier, its ledger says why")
    try:
        return Boxes(**{name: _tuples(value) for name, value in content.items()})
    except (TypeError, AttributeError):
        raise UserError(
            f"{path}: not a box file of this version (it has {', '.join(content)}); delete it and run again"
        ) from None


def write_boxes(path: Path, boxes: Boxes) -> None:
    """Write a box file."""
    write_json(path, _rounded(asdict(boxes)) | {"pixel_mm": boxes.pixel_mm})


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
