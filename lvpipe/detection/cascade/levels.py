"""An image at the sizes in which a window of fixed size sees squares of other sizes."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.squares import Squares


def sides_between(least: float, most: float, factor: float) -> list[float]:
    """Sides from the least to the most, each `factor` times the one before."""
    return [least * factor**k for k in range(math.floor(math.log(most / least) / math.log(factor) + 1e-9) + 1)]


def levels(
    image_yx: NDArray[np.uint8], window_px: int, sides: list[float]
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The image shrunk so that each side becomes the window's, with its scale; too large sides have no level."""
    for side in sides:
        if side <= min(image_yx.shape):
            yield side / window_px, shrunk(image_yx, side / window_px)


def shrunk(image_yx: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """The image with pixels `scale` times as large, from its first edge on; what is left over is cut off."""
    rows, columns = (int(n / scale + 1e-9) for n in image_yx.shape)
    return resized(
        image_yx, (rows, columns), (0, 0, min(rows * scale, image_yx.shape[0]), min(columns * scale, image_yx.shape[1]))
    )


def resized(
    image_yx: NDArray[np.uint8], shape_yx: tuple[int, int], edges: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """A part of the image (top, left, bottom, right, from the first pixel's edge) on other pixels, antialiased."""
    from PIL import Image

    top, left, bottom, right = edges
    picture = Image.fromarray(np.ascontiguousarray(image_yx))
    smaller: Any = picture.resize(shape_yx[::-1], Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    return np.asarray(smaller, np.uint8)


def squares_of(corners: NDArray[Any], window_px: int, scale: float) -> Squares:
    """The squares of the image that windows of a level are, from their first pixels, `(n, 2)`."""
    middles = (corners + window_px / 2) * scale - 0.5
    return np.column_stack([middles, np.full(len(corners), window_px * scale)])
