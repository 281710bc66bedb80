"""Borders of masks, midway between their pixels and the others'."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def borders(mask_yx: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Every closed border as points `(y, x)`, in pixels from the middle of the first one (marching squares)."""
    from skimage import measure

    find_contours: Any = measure.find_contours
    # With a rim, so that a mask which touches the image's edge is closed there too.
    return [loop - 1 for loop in find_contours(np.pad(mask_yx, 1).astype(np.float32), 0.5)]
