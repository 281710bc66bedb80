"""The picture beside a box file: what was proposed, what won, what other methods say, and the box of every slice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import ceil, hypot
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import NO_HEART, Boxes
from lvpipe.canvas import (
    AMBER,
    BLUE,
    FAINT,
    GAP_PX,
    GREEN,
    INK,
    LETTER_PX,
    LINE_PX,
    PINK,
    PURPLE,
    RED,
    TITLE_PX,
    as_small_png,
    blank,
    write,
    write_upon,
)

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_PANEL_PX = 624
"""Side of the large picture; the slices beside it are together as wide."""

_COLUMNS = ((12, 3), (20, 4), (35, 5))
"""Up to so many slices stand in so many columns."""

_SHOWN_MOST = 60
"""Slices on a sheet; no heart has as many, a broken study may have a thousand."""

_FRAME = 0
"""The frame that is shown: the first one is near end-diastole in gated studies."""

_DRAWN = 30
"""Most proposals that are drawn, the surest: more would hide the heart."""

_DASH_PX = 7
_CROSS_PX = 8
_RIVALS = (PINK, RED, PURPLE, AMBER)
_FAINTEST, _STRONGEST = np.array([70, 80, 92]), np.array([86, 180, 233])
"""Proposals from the least to the surest."""

_Edges = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Place:
    """Where on the sheet a slice is shown, and how large its pixels are there."""

    left: int
    top: int
    side: int
    scale: float

    def at(self, row: float, column: float) -> tuple[float, float]:
        """X and y of a place in the slice; whole numbers are the middles of its pixels."""
        return self.left + (column + 0.5) * self.scale, self.top + (row + 0.5) * self.scale

    def edges(self, row: float, column: float, side: float) -> _Edges:
        """Left, top, right and bottom of a square, as far as it lies in the picture."""
        x, y = self.at(row, column)
        low, high = (self.left, self.top), (self.left + self.side - 1, self.top + self.side - 1)
        reach = side * self.scale / 2
        x0, x1 = (min(max(value, low[0]), high[0]) for value in (x - reach, x + reach))
        y0, y1 = (min(max(value, low[1]), high[1]) for value in (y - reach, y + reach))
        return x0, y0, x1, y1


def draw_boxes(case: str, cine_tzyx: NDArray[np.uint8], boxes: Boxes) -> bytes:
    """A PNG, the same bytes for the same case."""
    from PIL import ImageDraw

    slices = cine_tzyx.shape[1]
    shown = _middle(boxes, slices)
    head, foot = list(_head(boxes)), list(_legend(boxes, shown, slices))
    columns = next((count for most, count in _COLUMNS if slices <= most), _COLUMNS[-1][1] + 1)
    side = (_PANEL_PX - (columns - 1) * GAP_PX) // columns
    top = 3 * GAP_PX + TITLE_PX + LINE_PX * len(head)
    rows = ceil(min(slices, _SHOWN_MOST) / columns)
    height = max(rows * (side + LINE_PX + GAP_PX), _PANEL_PX + GAP_PX + LINE_PX * len(foot))
    sheet = blank(2 * _PANEL_PX + 3 * GAP_PX, top + height + GAP_PX)
    pen = ImageDraw.Draw(sheet)
    write(pen, case, GAP_PX, GAP_PX, INK, TITLE_PX)
    _lines(pen, head, GAP_PX, 2 * GAP_PX + TITLE_PX)
    _draw_panel(sheet, pen, cine_tzyx[_FRAME, shown], boxes, shown, top)
    _lines(pen, foot, GAP_PX, top + _PANEL_PX + GAP_PX)
    for z in range(min(slices, _SHOWN_MOST)):
        left = 2 * GAP_PX + _PANEL_PX + z % columns * (side + GAP_PX)
        _draw_cell(
            sheet, pen, cine_tzyx[_FRAME, z], boxes, z, (left, top + z // columns * (side + LINE_PX + GAP_PX), side)
        )
    return as_small_png(sheet)


def _middle(boxes: Boxes, slices: int) -> int:
    """The slice of the best proposal; without proposals that in the middle of the stack."""
    return int(boxes.proposals[0][0]) if boxes.proposals else slices // 2


def _head(boxes: Boxes) -> Iterator[tuple[str, str]]:
    """The verdict in a few lines."""
    if not boxes.squares:
        yield from ((line, RED) for line in wrap(f"{boxes.method}: {NO_HEART}: {boxes.reason}", _letters(2)))
        return
    copied = sum(score is None for score in boxes.scores)
    told = f"; {copied} of {len(boxes.squares)} slices took their neighbour's box" if copied else ""
    yield f"{boxes.method}: score {boxes.score:.2f}{told}", INK
    if boxes.reason:
        word, colour = ("doubtful: ", AMBER) if boxes.doubtful else ("", FAINT)
        yield from ((line, colour) for line in wrap(word + boxes.reason, _letters(2)))


def _legend(boxes: Boxes, shown: int, slices: int) -> Iterator[tuple[str, str]]:
    """What stands in the large picture, each line in its colour."""
    here = sum(int(one[0]) == shown for one in boxes.proposals)
    asked = f"; {here} proposals, the brighter the surer" if here else ""
    yield f"large: slice {shown}, first frame{asked}", FAINT if not here else BLUE
    if boxes.squares:
        yield "square: the box of the slice", GREEN
        if None in boxes.scores:
            yield "dashed: taken from the neighbour, since nothing there looked enough like a heart", AMBER
    for (name, apart), colour in zip(_apart(boxes), cycle(_RIVALS), strict=False):
        yield (f"+ {name}: {apart}", colour) if boxes.rivals[name] else (f"{name}: {apart}", FAINT)
    if slices > _SHOWN_MOST:
        yield f"and {slices - _SHOWN_MOST} more slices", FAINT


def _apart(boxes: Boxes) -> Iterator[tuple[str, str]]:
    for name, distance_mm in boxes.rivals_mm().items():
        if boxes.rivals[name] is None:
            yield name, NO_HEART
        else:
            yield (
                name,
                "a heart at this place" if distance_mm is None else f"{distance_mm:.0f} mm from the boxes' middle",
            )


def _draw_panel(sheet: Any, pen: "ImageDraw", image_yx: NDArray[np.uint8], boxes: Boxes, z: int, top: int) -> None:
    place = _show(sheet, image_yx, (GAP_PX, top, _PANEL_PX))
    for edges, shade in _proposals(boxes, z, place):
        pen.rectangle(edges, outline=shade)
    _draw_box(pen, boxes, z, place, width=3)
    for (name, _), colour in zip(_apart(boxes), cycle(_RIVALS), strict=False):
        middle = boxes.rivals[name]
        if middle is not None:
            _draw_cross(pen, name, place.at(*middle), colour)


def _proposals(boxes: Boxes, z: int, place: _Place) -> Iterator[tuple[_Edges, tuple[int, ...]]]:
    """Those of a slice, the surest last and thus on top."""
    here = sorted((one for one in boxes.proposals if int(one[0]) == z), key=lambda one: one[4])[-_DRAWN:]
    low, high = (here[0][4], here[-1][4]) if here else (0.0, 0.0)
    for _, row, column, side, score in here:
        share = (score - low) / (high - low) if high > low else 1.0
        yield place.edges(row, column, side), tuple(int(v) for v in _FAINTEST + share * (_STRONGEST - _FAINTEST))


def _draw_cell(
    sheet: Any, pen: "ImageDraw", image_yx: NDArray[np.uint8], boxes: Boxes, z: int, corner: tuple[int, int, int]
) -> None:
    place = _show(sheet, image_yx, corner)
    _draw_box(pen, boxes, z, place, width=2)
    told = ""
    if boxes.squares and boxes.scores:
        score = boxes.scores[z]
        told = ": as its neighbour" if score is None else f": {score:.2f}"
    colour = AMBER if _copied(boxes, z) else FAINT
    write(pen, f"slice {z}{told}", place.left, place.top + place.side + 2, colour)


def _show(sheet: Any, image_yx: NDArray[np.uint8], corner: tuple[int, int, int]) -> _Place:
    """Paste a slice, in the contrast of its view, into a square of the sheet."""
    from PIL import Image

    left, top, side = corner
    scale = side / max(image_yx.shape)
    height, width = (max(1, round(length * scale)) for length in image_yx.shape)
    picture = Image.fromarray(image_yx).resize((width, height), Image.Resampling.BILINEAR)
    sheet.paste(picture, (left, top))
    return _Place(left, top, side, scale)


def _draw_box(pen: "ImageDraw", boxes: Boxes, z: int, place: _Place, width: int) -> None:
    if not boxes.squares:
        return
    edges = place.edges(*boxes.squares[z])
    if not _copied(boxes, z):
        pen.rectangle(edges, outline=GREEN, width=width)
        return
    x0, y0, x1, y1 = edges
    for start, end in (((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)), ((x1, y1), (x0, y1)), ((x0, y1), (x0, y0))):
        _draw_dashes(pen, start, end, width)


def _copied(boxes: Boxes, z: int) -> bool:
    return bool(boxes.squares and boxes.scores) and boxes.scores[z] is None


def _draw_dashes(pen: "ImageDraw", start: tuple[float, float], end: tuple[float, float], width: int) -> None:
    count = max(1, int(hypot(end[0] - start[0], end[1] - start[1]) // _DASH_PX)) | 1
    places = np.linspace(start, end, count + 1)
    for a, b in zip(places[:-1:2], places[1::2], strict=True):
        pen.line((*a.tolist(), *b.tolist()), fill=AMBER, width=width)


def _draw_cross(pen: "ImageDraw", name: str, at: tuple[float, float], colour: str) -> None:
    x, y = at
    for reach_x, reach_y in ((_CROSS_PX, 0), (0, _CROSS_PX)):
        pen.line((x - reach_x, y - reach_y, x + reach_x, y + reach_y), fill=colour, width=3)
    write_upon(pen, name, x + _CROSS_PX, y, colour)


def _lines(pen: "ImageDraw", lines: Sequence[tuple[str, str]], left: int, top: int) -> None:
    for index, (line, colour) in enumerate(lines):
        write(pen, line, left, top + index * LINE_PX, colour)


def _letters(panels: int) -> int:
    """Letters in a line as wide as so many large pictures."""
    return panels * _PANEL_PX // LETTER_PX
