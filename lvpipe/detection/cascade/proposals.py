"""Squares that may hold a heart: what cascades let pass, the most agreed on first."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import ProposalSettings
from lvpipe.detection.cascade.levels import levels, sides_between, squares_of
from lvpipe.errors import UserError
from lvpipe.squares import Squares, overlap

_NEAR = 0.5
"""Squares that overlap this much are neighbours: they agree that there is a heart."""

_SAME = 0.7
"""Of squares that overlap more than this only the one with the most neighbours is kept."""

_MANY = 2000
"""Of more squares only every second, third or so is compared with all others: an image of stripes must not fill the
memory."""


def propose(
    files: Sequence[Path], image_yx: NDArray[np.uint8], pixel_mm: float, settings: ProposalSettings
) -> NDArray[np.float64]:
    """Row and column of the middle, side and neighbours of squares, `(n, 4)`, those with the most neighbours first.

    Each file has a cascade; a square that any of them lets pass is proposed.
    """
    if image_yx.min() == image_yx.max():
        return np.empty((0, 4))
    passing = [square for file in files for square in _passing(file, image_yx, pixel_mm, settings)]
    squares = np.concatenate([np.empty((0, 3)), *passing])
    return _most_agreed(squares[:: 1 + len(squares) // _MANY], settings.most)


def _passing(file: Path, image_yx: NDArray[np.uint8], pixel_mm: float, settings: ProposalSettings) -> Iterator[Squares]:
    cascade = _load(file)
    window_px = int(cascade.window_width)
    sides = [side_mm / pixel_mm for side_mm in sides_between(*settings.side_mm, settings.scale_factor)]
    for scale, level in levels(image_yx, window_px, sides):
        yield squares_of(passing_windows(cascade, level, settings.step), window_px, scale)


@functools.cache
def _load(file: Path) -> Any:
    """Scikit-image's cascade of a file, which is read once in a process."""
    from xml.etree import ElementTree

    from skimage.feature import Cascade

    try:
        ElementTree.parse(file)
        return Cascade(str(file))
    except (ElementTree.ParseError, AttributeError, ValueError) as error:
        raise UserError(f"{file}: not a readable cascade ({error}); delete the file and run again") from error


def passing_windows(cascade: Any, level_yx: NDArray[np.uint8], step: int) -> NDArray[np.float64]:
    """First pixels of the windows of an image, as it is, that scikit-image's cascade lets pass, `(n, 2)`.

    Its last row and column of windows it leaves out, so that the image has to be a pixel larger. It adds up in single
    precision, which is exact below 2**24: therefore the mean is taken away. A ratio above 1 merges no windows.
    """
    size = int(cascade.window_width)
    centred = level_yx.astype(np.int64) - round(float(level_yx.mean()))
    found = cascade.detect_multi_scale(
        np.pad(centred, (0, 1), mode="edge"),
        scale_factor=2,  # The next size would be twice as large: only the window's own is tried.
        step_ratio=step,
        min_size=(size, size),
        max_size=(size + 1, size + 1),
        min_neighbor_number=1,
        intersection_score_threshold=2,
    )
    corners = sorted((box["r"], box["c"]) for box in found)
    return np.array(corners, float).reshape(-1, 2)


def _most_agreed(squares: Squares, most: int) -> NDArray[np.float64]:
    """The squares with the most neighbours that are not the same as one with more."""
    shared = overlap(squares, squares)
    neighbours = (shared >= _NEAR).sum(axis=1)
    open_ = np.ones(len(squares), bool)
    kept: list[np.intp] = []
    for place in np.argsort(-neighbours, kind="stable"):
        if open_[place] and len(kept) < most:
            kept.append(place)
            open_ &= shared[place] <= _SAME
    return np.column_stack([squares[kept], neighbours[kept]])
