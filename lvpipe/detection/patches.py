"""Squares of a slice as the classifier sees them: cut from its six frames and brought to 25 x 25."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.detection.lessons import MOMENTS
from lvpipe.networks.roi_cnn import SIDE
from lvpipe.squares import Squares

if TYPE_CHECKING:
    from torch import Tensor

_HALVINGS = 3
"""An image is halved this often at most, so that large squares are averaged instead of picked from: 200 pixels."""

_SMALLEST_SD = 6.0
"""Of 0..255: below this a frame of a patch is even, and its noise is not made to look like something."""


class Cutters:
    """The six frames of a study, `(6, z, y, x)`; a slice is halved once, however often squares are cut from it."""

    def __init__(self, moments_tzyx: NDArray[np.uint8]) -> None:
        self._moments_tzyx = moments_tzyx
        self._slices: dict[int, Cutter] = {}

    def cut(self, z: int, squares: Squares) -> "Tensor":
        """Squares of a slice as `(n, 6, 25, 25)`."""
        if z not in self._slices:
            self._slices[z] = Cutter(self._moments_tzyx[:, z])
        return self._slices[z].cut(squares)


class Cutter:
    """The six frames of one slice, `(6, y, x)` in 0..255, whole and halved as often as squares ask for."""

    def __init__(self, moments_tyx: NDArray[np.uint8]) -> None:
        self._levels = [torch.from_numpy(np.ascontiguousarray(moments_tyx)).float()[None]]

    def cut(self, squares: Squares) -> "Tensor":
        """The squares as `(n, 6, 25, 25)` in whole numbers 0..255, as examples are stored; black outside the image."""
        patches = torch.empty(len(squares), MOMENTS, SIDE, SIDE)
        steps = np.maximum(squares[:, 2] / SIDE, 1)
        halvings = np.minimum(np.floor(np.log2(steps)), _HALVINGS).astype(int)
        for level in np.unique(halvings):
            chosen = np.flatnonzero(halvings == level)
            patches[torch.from_numpy(chosen)] = self._sample(squares[chosen], int(level))
        return patches.round_()

    def _sample(self, squares: Squares, level: int) -> "Tensor":
        image = self._level(level)
        n, scale = len(squares), 2**level
        height, width = (scale * size for size in image.shape[-2:])
        ticks = torch.from_numpy((np.arange(SIDE) + 0.5) / SIDE - 0.5)
        row, column, side = torch.from_numpy(squares.T)
        rows, columns = (middle[:, None] + side[:, None] * ticks for middle in (row, column))
        grid = torch.stack(
            [
                ((2 * columns + 1) / width - 1)[:, None].expand(n, SIDE, SIDE),
                ((2 * rows + 1) / height - 1)[:, :, None].expand(n, SIDE, SIDE),
            ],
            dim=-1,
        )
        found = torch.nn.functional.grid_sample(
            image, grid.reshape(1, n * SIDE, SIDE, 2).float(), mode="bilinear", align_corners=False
        )
        return found.reshape(MOMENTS, n, SIDE, SIDE).transpose(0, 1)

    def _level(self, level: int) -> "Tensor":
        while len(self._levels) <= level:
            finer = self._levels[-1]
            even = torch.nn.functional.pad(finer, (0, finer.shape[-1] % 2, 0, finer.shape[-2] % 2))
            self._levels.append(torch.nn.functional.avg_pool2d(even, 2))
        return self._levels[level]


def standardise(patches: "Tensor") -> "Tensor":
    """Each frame of each patch to zero mean and unit spread by itself.

    Frames that were stretched one by one say nothing by their brightness relative to each other.
    """
    sd, mean = torch.std_mean(patches, dim=(2, 3), keepdim=True)
    return ((patches - mean) / sd.clamp(min=_SMALLEST_SD)).contiguous(memory_format=torch.channels_last)
