"""The best, the median and the worst slices of a model as one picture: the image, the expert's contours and its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.borders import borders
from lvpipe.canvas import AMBER, FAINT, GAP_PX, GREEN, INK, LETTER_PX, LINE_PX, TITLE_PX, as_small_png, blank, write
from lvpipe.files import read_table, write_bytes
from lvpipe.images import read_image
from lvpipe.labels import CAVITY, MYOCARDIUM
from lvpipe.pages.pictures import Window, place_window, to_grey
from lvpipe.tables import number

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

ACROSS = 6
"""Slices in each of the three rows."""

_TILE_PX = 204
_CROP_MM = 110.0
"""Side of what is shown of a slice: the heart and what lies about it."""

_CELL_PX = _TILE_PX + 2 * LINE_PX + GAP_PX
_EXPERT, _OURS = GREEN, AMBER

Row = Mapping[str, str]


@dataclass(frozen=True)
class Tile:
    """What is shown of one slice: grey values, and closed borders `(y, x)` in shares of the picture's sides."""

    grey_yx: NDArray[np.uint8]
    expert: Sequence[NDArray[np.float64]]
    ours: Sequence[NDArray[np.float64]]
    words: tuple[str, str]


def choose(rows: Sequence[Row], count: int = ACROSS) -> dict[str, list[Row]]:
    """Slices by their Dice of the cavity: of as many cases as there are, so that no single heart fills a row."""
    slices = [row for row in rows if row["label"] == "cavity" and row["slice"] and row["dice"]]
    slices.sort(key=lambda row: (number(row["dice"]), row["case"], int(row["frame"]), int(row["slice"])))
    middle = (len(slices) - 1) / 2
    nearest = sorted(range(len(slices)), key=lambda place: (abs(place - middle), place))
    orders = {"best": slices[::-1], "median": [slices[place] for place in nearest], "worst": slices}
    return {name: _of_many(order)[:count] for name, order in orders.items()}


def draw_gallery(model: str, tiles: Mapping[str, Sequence[Tile]]) -> bytes:
    """A PNG, the same bytes for the same slices."""
    from PIL import ImageDraw

    head = 2 * GAP_PX + TITLE_PX + LINE_PX
    shown = {name: row for name, row in tiles.items() if row}
    height = head + len(shown) * (LINE_PX + _CELL_PX) + GAP_PX
    sheet = blank(ACROSS * (_TILE_PX + GAP_PX) + GAP_PX, height)
    pen = ImageDraw.Draw(sheet)
    write(pen, model, GAP_PX, GAP_PX, INK, TITLE_PX)
    left = GAP_PX
    for word, colour in (("expert", _EXPERT), (model, _OURS), ("slices by Dice of the cavity", FAINT)):
        write(pen, word, left, GAP_PX + TITLE_PX + 4, colour)
        left += (len(word) + 3) * LETTER_PX
    for line, (name, row) in enumerate(shown.items()):
        top = head + GAP_PX + line * (LINE_PX + _CELL_PX)
        write(pen, name, GAP_PX, top, INK)
        for column, tile in enumerate(row):
            _draw_tile(sheet, pen, tile, GAP_PX + column * (_TILE_PX + GAP_PX), top + LINE_PX)
    return as_small_png(sheet)


def write_gallery(model: str, cases: Sequence[str], results: Path, out: Path) -> None:
    """Read the tables of all cases, and the images of those that are shown."""
    tables = {case: read_table(results / "score" / model / f"{case}_dice.csv") for case in cases}
    rows = [{"case": case, **row} for case, table in tables.items() for row in table]
    chosen = choose(rows)
    tiles = {name: [_cut_tile(model, row, results) for row in some] for name, some in chosen.items()}
    write_bytes(out, draw_gallery(model, tiles))


def _of_many(order: Sequence[Row]) -> list[Row]:
    """Each case's first slice, then all others."""
    first = {row["case"]: row for row in reversed(order)}
    ahead = [row for row in order if first[row["case"]] is row]
    return ahead + [row for row in order if first[row["case"]] is not row]


def _cut_tile(model: str, row: Row, results: Path) -> Tile:
    case, frame, z = row["case"], int(row["frame"]), int(row["slice"])
    cine = read_image(results / "convert" / f"{case}_cine.nii.gz")
    reference, mask = (
        read_image(path).array_tzyx
        for path in (
            results / "convert" / f"{case}_reference.nii.gz",
            results / "postprocess" / model / f"{case}_mask.nii.gz",
        )
    )
    x_mm, y_mm, _ = cine.spacing_xyz_mm
    heart = [stack[frame] == CAVITY for stack in (reference, mask)]
    about = heart[:1] if heart[0].any() else heart
    window = place_window(about, cine.array_tzyx.shape[2:], (y_mm, x_mm), _CROP_MM)
    words = (f"{case} frame {frame} slice {z}", f"Dice {number(row['dice']):.3f}, {_apart(row)}")
    expert, ours = (list(_borders(labels[frame, z], window)) for labels in (reference, mask))
    return Tile(to_grey(window.cut(cine.array_tzyx[frame, z])), expert, ours, words)


def _apart(row: Row) -> str:
    """How far the contours are apart; of a single one who drew it."""
    if row["apd_mm"]:
        return f"APD {number(row['apd_mm']):.1f} mm"
    return "expert alone" if row["recall"] else "model alone"


def _borders(labels_yx: NDArray[Any], window: Window) -> Iterator[NDArray[np.float64]]:
    """Of the cavity, and of cavity and wall together where there is a wall."""
    shown = window.cut(labels_yx)
    inner, outer = shown == CAVITY, (shown == CAVITY) | (shown == MYOCARDIUM)
    for mask in (inner, outer) if (outer & ~inner).any() else (inner,):
        for loop in borders(mask):
            yield (loop + 0.5) / window.shape_yx


def _draw_tile(sheet: Any, pen: "ImageDraw", tile: Tile, left: int, top: int) -> None:
    from PIL import Image

    picture = Image.fromarray(tile.grey_yx).resize((_TILE_PX, _TILE_PX), Image.Resampling.BILINEAR)
    sheet.paste(picture, (left, top))
    for loops, colour in ((tile.expert, _EXPERT), (tile.ours, _OURS)):
        for loop in loops:
            places = [(left + float(x) * _TILE_PX, top + float(y) * _TILE_PX) for y, x in loop]
            pen.line(places, fill=colour, width=2)
    for line, text in enumerate(tile.words):
        write(pen, _short(text), left, top + _TILE_PX + 2 + line * LINE_PX, (INK, FAINT)[line])


def _short(text: str) -> str:
    """As much of the end as fits: case names may be long, frames and slices stand behind them."""
    most = _TILE_PX // LETTER_PX
    return text if len(text) <= most else "…" + text[1 - most :]
