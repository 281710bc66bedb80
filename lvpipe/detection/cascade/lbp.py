"""Multi-block local binary patterns (Zhang et al. 2007) from integral images, for many windows at once.

A feature is a rectangle of 3 x 3 equal cells. Its code has a bit for each outer cell, clockwise from the top left, the
first the highest: set where the cell's sum is no less than the middle one's.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

CODES = 256

Feature = tuple[int, int, int, int]
"""Left, top, width and height of the first cell, as the XML has them."""

_CLOCKWISE = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
"""Row and column of the outer cells, from the highest bit to the lowest."""


def all_features(window_px: int) -> NDArray[np.int64]:
    """Every feature that fits into a window, `(n, 4)`."""
    cells = np.arange(1, window_px // 3 + 1)
    spans = [(first, cell) for cell in cells for first in range(window_px - 3 * cell + 1)]
    return np.array([(x, y, width, height) for x, width in spans for y, height in spans])


def integral(image_yx: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Sums over everything above and left of each pixel's corner: one row and one column more than the image."""
    return np.asarray(_summed(image_yx[None])[0])


def patch_integrals(patches_nyx: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Integral images of equal patches, `(corner, patch)`: a corner of all patches lies in one piece of memory."""
    return np.ascontiguousarray(_summed(patches_nyx).reshape(len(patches_nyx), -1).T)


def patch_codes(integrals: NDArray[np.int32], features: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The code of every feature in every patch, `(feature, patch)`."""
    stride = round(len(integrals) ** 0.5)
    codes = np.empty((len(features), integrals.shape[1]), np.uint8)
    for place, (x, y, width, height) in enumerate(features.tolist()):
        codes[place] = _code(integrals.__getitem__, (x, y, width, height), stride)
    return codes


def window_codes(sums_yx: NDArray[np.int32], places: NDArray[np.intp], feature: Feature) -> NDArray[np.uint8]:
    """The code of one feature in the windows of an image whose first corners are these (flat) places."""
    flat = sums_yx.ravel()
    return _code(lambda offset: flat[offset:].take(places), feature, sums_yx.shape[1])


def _summed(images_nyx: NDArray[np.uint8]) -> NDArray[np.int32]:
    sums = np.zeros((len(images_nyx), images_nyx.shape[1] + 1, images_nyx.shape[2] + 1), np.int32)
    images_nyx.cumsum(axis=1, dtype=np.int32).cumsum(axis=2, out=sums[:, 1:, 1:])
    return sums


def _code(corner: Callable[[int], NDArray[np.int32]], feature: Feature, stride: int) -> NDArray[np.uint8]:
    x, y, width, height = feature
    corners = [[corner((y + i * height) * stride + x + j * width) for j in range(4)] for i in range(4)]
    across = [[row[j + 1] - row[j] for j in range(3)] for row in corners]
    cells = [[across[i + 1][j] - across[i][j] for j in range(3)] for i in range(3)]
    code = np.zeros(cells[1][1].shape, np.uint8)
    for row, column in _CLOCKWISE:
        code <<= 1
        code |= (cells[row][column] >= cells[1][1]).view(np.uint8)
    return code
