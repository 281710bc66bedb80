"""How probabilities are stored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PROB_SLOPE = 1 / 255
"""They are stored in one byte: a quarter of a float's size, and finer than any threshold needs."""


def stored(probs: NDArray[Any]) -> NDArray[np.uint8]:
    """Probabilities as the bytes of a file with this slope."""
    return np.rint(probs / PROB_SLOPE).astype(np.uint8)
