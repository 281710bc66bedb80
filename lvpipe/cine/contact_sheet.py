"""The picture beside a ledger: every slice that was found, from base to apex, and what became of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.canvas import (
    AMBER,
    BLUE,
    FAINT,
    GAP_PX,
    GREEN,
    INK,
    LETTER_PX,
    LINE_PX,
    PURPLE,
    RED,
    TITLE_PX,
    as_png,
    blank,
    write,
)
from lvpipe.cine.ledger import Event, Found, Ledger

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_COLUMNS = 6
_SIDE_PX = 200
_BORDER_PX = 4

_SHOWN_MOST = 96
"""Cells on a sheet: beyond, nobody looks, and a broken study may hold a thousand places."""

_WINDOW_PERCENT = (1.0, 99.0)
"""Grey values from black to white in the middle of each image: the chest wall beside the coil outshines any heart."""

_COLOURS = {"kept": GREEN, "mended": AMBER, "dropped": RED, "rejected": PURPLE, "missing": BLUE}


@dataclass(frozen=True)
class _Cell:
    """One place on the sheet."""

    fate: str
    lines: tuple[str, ...]
    position_mm: float
    found: Found | None = None


def draw_sheet(title: str, ledger: Ledger, reason: str = "") -> bytes:
    """A PNG, the same bytes for the same account; `reason` is that of a rejected case."""
    from PIL import ImageDraw

    cells = _cells(ledger, bool(reason))
    rows = [cells[start : start + _COLUMNS] for start in range(0, min(len(cells), _SHOWN_MOST), _COLUMNS)]
    heights = [_SIDE_PX + LINE_PX * max(len(cell.lines) for cell in row) + 2 * GAP_PX for row in rows]
    head, foot = _head(cells, reason), _foot(ledger, cells)
    width = _COLUMNS * (_SIDE_PX + GAP_PX) + GAP_PX
    top = 3 * GAP_PX + TITLE_PX + LINE_PX * len(head)
    height = top + sum(heights) + LINE_PX * len(foot) + GAP_PX
    sheet = blank(width, height)
    pen = ImageDraw.Draw(sheet)
    write(pen, title, GAP_PX, GAP_PX, INK, TITLE_PX)
    for index, (line, colour) in enumerate(head):
        write(pen, line, GAP_PX, 2 * GAP_PX + TITLE_PX + index * LINE_PX, colour)
    pixels_per_mm = _SIDE_PX / _usual_field_mm([cell.found for cell in cells if cell.found])
    for row, row_height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            _draw_cell(sheet, pen, cell, GAP_PX + column * (_SIDE_PX + GAP_PX), top, pixels_per_mm)
        top += row_height
    for index, line in enumerate(foot):
        write(pen, line, GAP_PX, top + index * LINE_PX, FAINT)
    return as_png(sheet)


def _cells(ledger: Ledger, rejected: bool) -> list[_Cell]:
    """Slices and gaps by position."""
    cells = [_slice_cell(one, rejected) for one in ledger.by_position()]
    gaps = [_gap_cell(event, ledger) for event in ledger.events if event.rule == "note_gaps"]
    return sorted([*cells, *gaps], key=lambda cell: cell.position_mm)


def _slice_cell(one: Found, rejected: bool) -> _Cell:
    fate = "rejected" if rejected and not one.dropped else one.fate
    place = "" if one.slice is None or rejected else f"slice {one.slice}, "
    kept = 0 if rejected else one.frames_kept
    first = f"{place}{one.position_mm:.1f} mm, {kept}/{one.frames_found} frames"
    told = "rejected with the case" if fate == "rejected" else fate
    words = [told, *one.rules] if fate == "rejected" or not one.rules else [f"{told}: {one.rules[0]}", *one.rules[1:]]
    return _Cell(fate, (first, words[0], *(f"    {word}" for word in words[1:])), one.position_mm, one)


def _gap_cell(event: Event, ledger: Ledger) -> _Cell:
    """A gap is noted at the slice before it, so that it comes right after."""
    filled = any(other.rule == "fill_gaps" for other in ledger.events)
    lines = [*wrap(event.what, _SIDE_PX // LETTER_PX), *(["filled: fill_gaps"] if filled else [])]
    return _Cell("missing", tuple(lines), (event.position_mm or 0.0) + 0.01)


def _head(cells: Sequence[_Cell], reason: str) -> list[tuple[str, str]]:
    """The status, and how many slices met which fate."""
    fates = Counter(cell.fate for cell in cells if cell.found)
    told = ", ".join(f"{fates[fate]} {fate}" for fate in _COLOURS if fates[fate])
    lines = [(line, _COLOURS["dropped"]) for line in wrap(f"rejected: {reason}", 160)] if reason else []
    if not fates:
        return [*lines, ("no readable image was found", INK)]
    return [*lines, (f"{'' if reason else 'ok; '}slices found, base to apex: {told}", INK)]


def _foot(ledger: Ledger, cells: Sequence[_Cell]) -> list[str]:
    """Rules that concern no single slice, and what did not fit."""
    told = {rule for cell in cells if cell.found for rule in cell.found.rules} | {"note_gaps", "fill_gaps"}
    counts = Counter(event.rule for event in ledger.events if event.rule not in told)
    lines = wrap("also: " + ", ".join(f"{rule} x {count}" for rule, count in counts.items()), 160) if counts else []
    more = len(cells) - _SHOWN_MOST
    return [*lines, *([f"and {more} more, which the ledger lists"] if more > 0 else [])]


def _draw_cell(sheet: Any, pen: "ImageDraw", cell: _Cell, left: int, top: int, pixels_per_mm: float) -> None:
    box = (left, top, left + _SIDE_PX - 1, top + _SIDE_PX - 1)
    if cell.found:
        picture = _thumbnail(cell.found, pixels_per_mm, dim=cell.fate == "dropped")
        sheet.paste(picture, (left + (_SIDE_PX - picture.width) // 2, top + (_SIDE_PX - picture.height) // 2))
    pen.rectangle(box, outline=_COLOURS[cell.fate], width=_BORDER_PX)
    for index, line in enumerate(cell.lines):
        colour = INK if index == 0 else _COLOURS[cell.fate]
        write(pen, line, left, top + _SIDE_PX + 4 + index * LINE_PX, colour)


def _thumbnail(one: Found, pixels_per_mm: float, dim: bool) -> Any:
    """The middle of its frames in true proportions, at the scale that all share unless it is far larger."""
    from PIL import Image

    frames = sorted((f for f in one.frames if not f.blank), key=lambda f: (f.trigger_ms or 0, f.instance or 0))
    frame = (frames or list(one.frames))[len(frames) // 2]
    (rows, columns), (dy_mm, dx_mm) = frame.plane.shape_yx, frame.plane.spacing_yx_mm
    scale = min(pixels_per_mm, _SIDE_PX / _field_mm(one))
    size = (round(columns * dx_mm * scale), round(rows * dy_mm * scale))
    grey = Image.fromarray(_windowed(frame.pixels_yx, 0.5 if dim else 1.0))
    return grey.resize((max(1, size[0]), max(1, size[1])), Image.Resampling.BILINEAR)


def _windowed(pixels_yx: NDArray[Any], brightness: float) -> NDArray[np.uint8]:
    values = np.nan_to_num(np.asarray(pixels_yx, dtype=np.float32), posinf=0.0, neginf=0.0)
    rows, columns = values.shape
    middle = values[rows // 4 : rows - rows // 4 : 2, columns // 4 : columns - columns // 4 : 2]
    low, high = np.percentile(middle, _WINDOW_PERCENT)
    scaled = np.clip((values - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    return np.asarray(scaled * (255 * brightness), dtype=np.uint8)


def _field_mm(one: Found) -> float:
    plane = one.frames[0].plane
    return max(size * step for size, step in zip(plane.shape_yx, plane.spacing_yx_mm, strict=True))


def _usual_field_mm(found: Sequence[Found]) -> float:
    """The largest field of view, those aside that a wrong header makes larger than any other."""
    fields = [_field_mm(one) for one in found] or [1.0]
    return max(field for field in fields if field <= 2 * median(fields))
