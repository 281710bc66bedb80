"""What methods that follow motion share: a coarse copy of the cine, and whether anything moves in it at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.detection.finding import NO_IMAGE, Scene

Floats = NDArray[np.floating]

COARSE_MM = 2.0
"""Pixels of the copy: a heart is thirty of them wide, and a quarter of the pixels is a quarter of the time."""

LEAST_FRAMES = 4
"""Fewer different frames are no cycle; two pictures that were stretched one by one differ by that alone."""


@dataclass(frozen=True)
class Coarse:
    """A cine with pixels of about `COARSE_MM`: blocks of `step` x `step` pixels of the view are averaged."""

    cine_tzyx: NDArray[np.float32]
    pixel_mm: float
    step: int

    def in_view(self, places: NDArray[Any]) -> NDArray[np.float64]:
        """Rows and columns of the view, of rows and columns of the copy."""
        return np.asarray(places, float) * self.step + (self.step - 1) / 2


def coarsen(scene: Scene) -> Coarse:
    """The coarse copy; rows and columns that fill no block are left out."""
    step = max(1, min(round(COARSE_MM / scene.pixel_mm), *scene.cine_tzyx.shape[2:]))
    rows, columns = (n // step * step for n in scene.cine_tzyx.shape[2:])
    # Whole numbers until the last: adding bytes is what takes the time.
    tall = sum(
        (scene.cine_tzyx[:, :, i:rows:step, :columns] for i in range(1, step)),
        scene.cine_tzyx[:, :, :rows:step, :columns].astype(np.uint16),
    )
    total = sum((tall[..., i::step] for i in range(1, step)), tall[..., ::step])
    return Coarse(total.astype(np.float32) / step**2, scene.pixel_mm * step, step)


def why_still(coarse: Coarse) -> str:
    """Why nothing can be followed in this cine; "" where something can."""
    if not np.ptp(coarse.cine_tzyx):
        return NO_IMAGE
    different = len({frame.tobytes() for frame in coarse.cine_tzyx})
    return f"{different} different frames: no motion to follow" if different < LEAST_FRAMES else ""
