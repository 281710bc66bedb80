"""What a table of areas says of one case, as arrays: what stands twice, what cannot be and what is missing is mended.

docs/readers.md states the rules. What is mended is flagged and told; of a case of which too little is left nothing is
believed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lvpipe.errors import Rejected

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LARGEST_MM2 = 12_000.0
"""A circle 124 mm across: no cavity, but a mask of everything or another unit. Ten networks on 695 Kaggle studies have
at most 6,423 mm2."""

LEAST_MM2 = 100.0
"""Of the largest area: a circle 11 mm across. No heart of these studies is below 470 mm2 where a network found it; one
in cm2 is always below."""

_FEWEST_FRAMES = 2
"""With one frame there is no end-diastole and end-systole."""

_LARGEST_NUMBER = 999
"""Of a frame or a slice: cine studies have tens of either."""

_SLICES_THERE = 0.75
"""A frame with a smaller share of the slices is left out: those that are there may be all that was drawn of it."""

_FRAMES_THERE = 0.5
"""A slice with a smaller share of these frames is left out: most of it would be guessed."""


class Cell(NamedTuple):
    """A row of a table; NaN where it says nothing."""

    frame: int
    slice: int
    cavity_mm2: float
    myocardium_mm2: float
    position_mm: float

    @property
    def place(self) -> tuple[int, int]:
        """Which area it is about."""
        return self.frame, self.slice


@dataclass(frozen=True, eq=False)
class Areas:
    """The areas of one case, none missing, `(frames, slices)`; `slices` are the numbers that these have in the table.

    `mended` has by flag what was done, in words.
    """

    cavity_tz_mm2: Floats
    myocardium_tz_mm2: Floats
    positions_tz_mm: Floats
    slices: Sequence[int]
    mended: dict[str, str]


def lay_out(cells: Iterable[Cell]) -> Areas:
    """The areas of a case, mended.

    Raises:
        Rejected: too little is left.
    """
    mended: dict[str, str] = {}
    known = _possible(_each_once(_near(cells, mended), mended), mended)
    frames, slices, layers = _arrays(known)
    kept_t = np.isfinite(layers[0]).sum(axis=1) >= _SLICES_THERE * len(slices)
    if kept_t.sum() < _FEWEST_FRAMES:
        left = f"only {kept_t.sum()} of {len(frames)} frames have most of {len(slices)} slices"
        raise Rejected("; ".join([*mended.values(), left]))
    kept_z = np.isfinite(layers[0][kept_t]).sum(axis=0) >= _FRAMES_THERE * kept_t.sum()
    _tell_missing("frames", frames, kept_t, mended)
    _tell_missing("slices", slices, kept_z, mended)
    cavity, muscle, places = layers[:, kept_t][:, :, kept_z]
    if 0 < np.nanmax(cavity) < LEAST_MM2:
        raise Rejected(
            f"the largest area is {np.nanmax(cavity):.4g} mm2; expected {LEAST_MM2:g} or more: no cavity, or in cm2"
        )
    if np.isnan(cavity).any():
        mended["areas-filled"] = f"{np.isnan(cavity).sum()} areas are filled in from the frames next to theirs"
    return Areas(_filled(cavity), muscle, places, np.array(slices)[kept_z].tolist(), mended)


def _arrays(cells: Sequence[Cell]) -> tuple[list[int], list[int], Floats]:
    """The numbers of frames and slices that there are, and cavity, muscle and position of each, NaN where unknown."""
    frames, rows = np.unique([cell.frame for cell in cells], return_inverse=True)
    slices, columns = np.unique([cell.slice for cell in cells], return_inverse=True)
    layers = np.full((3, len(frames), len(slices)), np.nan)
    layers[:, rows, columns] = np.array([cell[2:] for cell in cells]).reshape(-1, 3).T
    return frames.tolist(), slices.tolist(), layers


def _near(cells: Iterable[Cell], mended: dict[str, str]) -> list[Cell]:
    """The same without those of frames and slices that no study has."""
    everything = list(cells)
    near = [cell for cell in everything if max(cell.place) <= _LARGEST_NUMBER]
    if len(near) < len(everything):
        astray = len(everything) - len(near)
        mended["rows-astray"] = f"{astray} rows of frames or slices above {_LARGEST_NUMBER} are left out"
    return near


def _each_once(cells: Iterable[Cell], mended: dict[str, str]) -> list[Cell]:
    """One cell a place; of one that stands twice, and not alike, no area is known."""
    found: dict[tuple[int, int], list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.place, []).append(cell)
    twice = [rows[0] for rows in found.values() if len(rows) > 1]
    if twice:
        mended["rows-twice"] = f"{len(twice)} areas stand twice in the table, such as {_name(twice[0])}"
    return [rows[0] if len(set(map(str, rows))) == 1 else _unknown(rows[0]) for rows in found.values()]


def _possible(cells: Sequence[Cell], mended: dict[str, str]) -> list[Cell]:
    """The same without areas, of cavity or muscle, that cannot be."""
    wrong = [(area, cell) for cell in cells for area in cell[2:4] if not _can_be(area)]
    if wrong:
        mended["areas-impossible"] = (
            f"{len(wrong)} areas cannot be, such as {wrong[0][0]:g} mm2 in {_name(wrong[0][1])}; "
            f"expected 0 to {LARGEST_MM2:g}"
        )
    return [
        cell._replace(cavity_mm2=_believed(cell.cavity_mm2), myocardium_mm2=_believed(cell.myocardium_mm2))
        for cell in cells
    ]


def _believed(area_mm2: float) -> float:
    return area_mm2 if _can_be(area_mm2) else math.nan


def _can_be(area_mm2: float) -> bool:
    return math.isnan(area_mm2) or 0 <= area_mm2 <= LARGEST_MM2


def _unknown(cell: Cell) -> Cell:
    return cell._replace(cavity_mm2=math.nan, myocardium_mm2=math.nan)


def _name(cell: Cell) -> str:
    return f"frame {cell.frame}, slice {cell.slice}"


def _tell_missing(what: str, numbers: Sequence[int], kept: Bools, mended: dict[str, str]) -> None:
    """What is left out, and what is not there between the first and the last that are."""
    there = [number for number, keep in zip(numbers, kept, strict=True) if keep]
    left_out, absent = len(numbers) - len(there), there[-1] + 1 - there[0] - len(there) if there else 0
    if left_out or absent:
        mended[f"{what}-missing"] = f"{what}: {len(there)} used, {left_out} left out, {absent} between them missing"


def _filled(areas_tz_mm2: Floats) -> Floats:
    """Each area that is missing from those of its slice before and after it, around the cycle."""
    frames = np.arange(len(areas_tz_mm2))
    known = np.isfinite(areas_tz_mm2)
    columns = [
        np.interp(frames, frames[there], column[there], period=len(frames))
        for column, there in zip(areas_tz_mm2.T, known.T, strict=True)
    ]
    return np.stack(columns, axis=1)
