"""Masks that were filled with their outlines, as drawing programs do."""

import numpy as np
from numpy.typing import NDArray

from lvpipe.borders import borders, rounded
from lvpipe.cine.contours import covered
from lvpipe.geometry import Floats

_OUTLINE_PIXELS = 0.5
"""Half of a line's width."""


def without_outline(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask whose outline was filled with it, as drawing programs do, without the half pixel that is too much.

    Its pixels' border lies half a pixel outside the line that was drawn, on average: that line is taken back by as
    much, without the pixels' steps. A mask of which nothing would be left stays as it is.
    """
    drawn = np.zeros_like(mask_yx)
    for loop_yx in borders(mask_yx):
        drawn ^= covered(_shrunk(loop_yx)[:, ::-1], mask_yx.shape)
    return drawn if drawn.any() else mask_yx


def _shrunk(loop_yx: Floats) -> Floats:
    """A closed border moved by half a pixel towards the side on which the mask lies."""
    points = rounded(loop_yx)[:-1]
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    inward = along[:, ::-1] * (1, -1) / np.maximum(np.hypot(*along.T), np.finfo(float).tiny)[:, None]
    return np.asarray(points + inward * _OUTLINE_PIXELS)
