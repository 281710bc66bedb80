"""What a network sees of a slice: a square about the heart's box or the image's middle; how to cut it out of a view."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import Boxes, read_boxes, read_finding
from lvpipe.config.window import Window
from lvpipe.errors import UserError
from lvpipe.grids import Grid, carry

_ANYWHERE = (0.0, 0.0, 0.0)
"""The square of a slice whose window is about the image."""


def read_place(path: Path, window: Window, slices: int) -> Boxes:
    """Read where the windows of a case lie: at its boxes, or about its images, whether a heart was found or not.

    Raises:
        Rejected: the file has zero bytes, or the window needs a heart and none was found.
    """
    if window.about == "box":
        return read_boxes(path)
    return replace(read_finding(path), squares=(_ANYWHERE,) * slices, reason="", doubtful=False)


def window_grids(boxes: Boxes, window: Window, view: Grid) -> list[Grid]:
    """The window's pixels in every slice, measured as those of the view are."""
    sides = window_sides(boxes, window)
    return [_grid(square, side, window, view) for square, side in zip(boxes.array, sides, strict=True)]


def window_areas_mm2(boxes: Boxes, window: Window) -> NDArray[np.float64]:
    """What each slice's window covers."""
    return (window_sides(boxes, window) * boxes.pixel_mm) ** 2


def window_sides(boxes: Boxes, window: Window) -> NDArray[np.float64]:
    """Of each slice's window, in pixels of the view."""
    if window.box_share is not None:
        return boxes.array[:, 2] * window.box_share
    side = window.side_px if window.side_mm is None else window.side_mm / boxes.pixel_mm
    return np.full(len(boxes.squares), float(side))


def cut(
    array_tzyx: NDArray[Any],
    grids: list[Grid],
    view: Grid,
    how: Literal["linear", "nearest"] = "linear",
    fill: float = 0,
) -> NDArray[Any]:
    """Every slice's window in every frame, as `(t, z, side, side)`, of the array's type; `fill` outside the image.

    Raises:
        UserError: there are more or fewer windows than slices.
    """
    if len(grids) != array_tzyx.shape[1]:
        raise UserError(
            f"{len(grids)} boxes for {array_tzyx.shape[1]} slices; expected one each: the box file is of another cine, "
            f"delete it and run again"
        )
    return np.stack(list(_windows(array_tzyx, grids, view, how, fill)), axis=1)


def _windows(
    array_tzyx: NDArray[Any], grids: list[Grid], view: Grid, how: Literal["linear", "nearest"], fill: float
) -> Iterator[NDArray[Any]]:
    for z, grid in enumerate(grids):
        carried = carry(array_tzyx[:, z], view, grid, how, fill)
        yield np.rint(carried).astype(array_tzyx.dtype) if how == "linear" else carried


def _grid(square: NDArray[np.float64], side: float, window: Window, view: Grid) -> Grid:
    """Whole pixels of the view where their size stays: nothing is interpolated then."""
    row, column, _ = square
    if window.about == "image":
        row, column = ((pixels - 1) / 2 for pixels in view.shape_yx)
    if window.box_share is None and window.side_mm is None:
        top, left = (round(middle - (window.side_px - 1) / 2) for middle in (row, column))
        return view.window(top, left, window.side_px)
    step = side / window.side_px
    (y, x), (dy, dx) = view.origin_yx_mm, view.spacing_yx_mm
    first = -(window.side_px - 1) / 2 * step
    return Grid((window.side_px,) * 2, (step * dy, step * dx), (y + (row + first) * dy, x + (column + first) * dx))
