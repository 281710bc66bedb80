"""What an expert's reference says, and what it leaves open."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.labels import CAVITY, MYOCARDIUM


def walls_drawn(reference_tzyx: NDArray[Any]) -> NDArray[np.bool_]:
    """The images `(t, z)` of which is known what is muscle: those of frames in which somebody drew some.

    But one with a cavity and no muscle: there is no cavity without a wall, so this one was left out.
    """
    muscle, cavity = ((reference_tzyx == label).any(axis=(2, 3)) for label in (MYOCARDIUM, CAVITY))
    return np.asarray(muscle | (muscle.any(axis=1, keepdims=True) & ~cavity))
