"""Squares in an image: `(n, 3)` numbers, row and column of the middle and the side, in pixels.

Pixel i reaches from i - 1/2 to i + 1/2, as everywhere in scikit-image: a square of side 3 about row 7 is rows 6 to 8.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.labels import CAVITY, MYOCARDIUM, NOT_ANNOTATED

Squares = NDArray[np.float64]

WALL_MM = 9.0
"""Thickness of a ventricle's wall at end-diastole, where the outer border was not drawn: 6 to 11 mm are normal."""


def overlap(squares: Squares, others: Squares) -> NDArray[np.float64]:
    """Intersection over union of every square with every other one, `(n, m)`."""
    common = _shared(squares, others, 0) * _shared(squares, others, 1)
    union = squares[:, 2, None] ** 2 + others[None, :, 2] ** 2 - common
    return np.asarray(common / np.maximum(union, np.finfo(float).tiny))


def square_around(labels_yx: NDArray[Any], pixel_mm: float, margin: float) -> Squares:
    """The square of a drawn slice, `(1, 3)`; `(0, 3)` where no cavity is drawn.

    About the middle of the outer border's bounding box, its side the longer edge times the margin. Where only the
    cavity was drawn, the wall is taken to be `WALL_MM` thick.
    """
    cavity, wall = labels_yx == CAVITY, labels_yx == MYOCARDIUM
    if not cavity.any():
        return np.empty((0, 3))
    rows, columns = np.nonzero(cavity | wall)
    low, high = np.array([rows.min(), columns.min()]), np.array([rows.max(), columns.max()])
    edge = float((high - low).max()) + 1 + (0 if wall.any() else 2 * WALL_MM / pixel_mm)
    return np.array([[*((low + high) / 2), margin * edge]])


def reference_squares(reference_tzyx: NDArray[Any], pixel_mm: float, margin: float) -> Squares:
    """The square of every slice, of the frame in which most was drawn (ED); rows of NaN where nobody drew a cavity.

    A slice that was drawn in other frames alone has its square from the one with the largest cavity.
    """
    areas_tz = (reference_tzyx == CAVITY).sum(axis=(2, 3))
    widest = int(areas_tz.sum(axis=1).argmax())
    squares = np.full((reference_tzyx.shape[1], 3), np.nan)
    for z, areas in enumerate(areas_tz.T):
        if areas.any():
            frame = widest if areas[widest] else int(areas.argmax())
            squares[z] = square_around(reference_tzyx[frame, z], pixel_mm, margin)[0]
    return squares


def drawn_frames(reference_tzyx: NDArray[Any]) -> NDArray[np.intp]:
    """The frames in which somebody drew."""
    return np.flatnonzero((reference_tzyx != NOT_ANNOTATED).any(axis=(1, 2, 3)))


def _shared(squares: Squares, others: Squares, axis: int) -> NDArray[np.float64]:
    """The length that every square shares with every other one, along rows or along columns."""
    low = np.maximum.outer(squares[:, axis] - squares[:, 2] / 2, others[:, axis] - others[:, 2] / 2)
    high = np.minimum.outer(squares[:, axis] + squares[:, 2] / 2, others[:, axis] + others[:, 2] / 2)
    return np.asarray(np.clip(high - low, 0, None))
