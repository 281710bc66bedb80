"""What the locator sees of a slice: its mean and its spread over time, shrunk to the same small square."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.detection.finding import Scene
from lvpipe.detection.lessons import moments
from lvpipe.detection.motion import Coarse, coarsen
from lvpipe.grids import Grid, carry, centred
from lvpipe.squares import Squares

PIXEL_MM = 4.0
SIDE_PX = 96
"""384 mm: a whole chest, about the middle of the image; what lies farther out is never a heart."""


@dataclass(frozen=True)
class Look:
    """All slices of a case as `(z, 2, side, side)`, and where their pixels lie in its view."""

    images_zcyx: NDArray[np.float32]
    coarse: Coarse
    source: Grid
    target: Grid

    def to_view(self, squares: Squares) -> Squares:
        """Squares in pixels of the view, of squares in pixels of the look."""
        scale = PIXEL_MM / self.coarse.pixel_mm
        middles = self.coarse.in_view(
            squares[:, :2] * scale + np.array(self.target.origin_yx_mm) / self.coarse.pixel_mm
        )
        return np.column_stack([middles, squares[:, 2] * scale * self.coarse.step])

    def from_view(self, squares: Squares) -> Squares:
        """The other way round."""
        scale = PIXEL_MM / self.coarse.pixel_mm
        first = np.array(self.target.origin_yx_mm) / self.coarse.pixel_mm
        middles = ((squares[:, :2] - (self.coarse.step - 1) / 2) / self.coarse.step - first) / scale
        return np.column_stack([middles, squares[:, 2] / (scale * self.coarse.step)])


def look_at(cine_tzyx: NDArray[Any], pixel_mm: float) -> Look:
    """Six moments of a cine at a glance; of one frame, the spread is zero."""
    coarse = coarsen(Scene(moments(cine_tzyx), pixel_mm))
    source = Grid((coarse.cine_tzyx.shape[2], coarse.cine_tzyx.shape[3]), (coarse.pixel_mm,) * 2)
    target = centred(source, (PIXEL_MM,) * 2, (SIDE_PX,) * 2)
    both = np.concatenate([coarse.cine_tzyx.mean(axis=0), coarse.cine_tzyx.std(axis=0)])
    mean, spread = np.split(carry(both, source, target), 2)
    return Look(np.stack([mean, spread], axis=1), coarse, source, target)
