"""The task of finding the heart's middle and size in a whole slice: its batches, its loss, and how often it is near."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.detection.heat import as_chances, centres, expected_squares
from lvpipe.detection.lessons import Lesson
from lvpipe.detection.looks import look_at
from lvpipe.detection.teaching.examples import Examples
from lvpipe.learning.batches import WHITE
from lvpipe.learning.sampled import Judged, SampledTask

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_SHIFT_SHARE = 0.15
"""Largest shift, as a share of the image: a heart may lie far from the middle of the scan."""

_USUAL_SHARE, _TURN = 0.5, 0.2
"""Share of the examples that are turned by a fifth of half a turn at most and never mirrored: most scans lie alike.
The others are turned by any angle, and every second of them mirrored."""

_SCALE = 1.3
"""Largest factor of a size, its inverse the smallest: hearts differ by more than a cohort shows."""

_GAMMA = 1.6
"""Largest exponent of a contrast change, its inverse the smallest."""

_STILL_SHARE = 0.1
"""Share of the examples that are shown as if there were one frame: a case may have no more."""

_TARGET_SHARE = 0.02
"""Width of the map that is wanted (standard deviation), as a share of the image: 8 mm."""

_NEAR_SHARE = 0.026
"""What counts as found, as a share of the image: 10 mm."""


def make_slices(lessons: Iterable[Lesson]) -> dict[str, Examples]:
    """For every case, the slices in which a heart is drawn, `(n, 2, side, side)`; wanted is each one's square."""
    return {lesson.case: _of_case(lesson) for lesson in lessons}


def _of_case(lesson: Lesson) -> Examples:
    look = look_at(lesson.moments_tzyx, lesson.pixel_mm)
    squares = look.from_view(lesson.squares[lesson.slices])
    return Examples(look.images_zcyx[lesson.slices].astype(np.float16), squares.astype(np.float32))


class Locating(SampledTask[Examples]):
    """Slices with the square around their heart."""

    score = "within 10 mm"

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The loss of a batch, turned, mirrored, moved, scaled and made lighter or darker at random."""
        images, squares = change(*batch, self.random)
        return self._compare(self.apply(network, images), squares)[0]

    def fetch(self, examples: Examples, chosen: NDArray[np.intp]) -> "Batch":
        """Slices in 0..1 with their squares."""
        images = torch.from_numpy(examples.images_ncyx[chosen]).float() / WHITE
        return images, torch.from_numpy(examples.targets[chosen])

    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """What is good has its middle within 10 mm of the square's."""
        images, squares = batch
        loss, away = self._compare(self.apply(network, images), squares)
        return Judged(float(loss), int((away < _NEAR_SHARE * images.shape[-1]).sum()), len(away))

    def _compare(self, found: "Tensor", squares: "Tensor") -> "tuple[Tensor, Tensor]":
        """The map against the one that is wanted, the middle and the size against the square's; how far middles are."""
        squares = squares.to(found.device)
        side_px = _side(found)
        wanted = _wanted(squares, found.shape[-1], side_px)
        chances = as_chances(found)
        told = expected_squares(chances, found[:, 1], side_px)
        map_loss = -(wanted * torch.log(chances.clamp(min=1e-12))).sum(dim=(1, 2)).mean()
        away = (told[:, :2] - squares[:, :2]).norm(dim=1)
        size_loss = torch.log(told[:, 2] / squares[:, 2]).abs().mean()
        return map_loss + away.mean() / (_NEAR_SHARE * side_px) + size_loss, away.detach()


def change(images: "Tensor", squares: "Tensor", random: torch.Generator) -> "Batch":
    """Slices and their squares, changed alike."""
    n, side = len(images), images.shape[-1]
    theta = _thetas(n, random)
    grid = torch.nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    warped = torch.nn.functional.grid_sample(images, grid, align_corners=False)
    exponent = torch.exp(_uniform(n, math.log(_GAMMA), random))
    warped[:, 0] = warped[:, 0].clamp(0, 1) ** exponent[:, None, None]
    moving = torch.rand(n, generator=random) >= _STILL_SHARE
    warped[:, 1] *= moving[:, None, None]
    return warped, _moved(squares, theta, side)


def _moved(squares: "Tensor", theta: "Tensor", side_px: int) -> "Tensor":
    """Where squares come to lie: the matrices lead from changed places back to the old ones."""
    old = (squares[:, [1, 0]] + 0.5) * 2 / side_px - 1
    new = torch.linalg.solve(theta[:, :, :2], (old - theta[:, :, 2])[..., None])[..., 0]
    scale = torch.linalg.det(theta[:, :, :2]).abs().sqrt()
    middles = (new[:, [1, 0]] + 1) * side_px / 2 - 0.5
    return torch.cat([middles, (squares[:, 2] / scale)[:, None]], dim=1)


def _thetas(n: int, random: torch.Generator) -> "Tensor":
    """Turn, mirror, scale and shift as 2 x 3 matrices in normalised coordinates."""
    usual = torch.rand(n, generator=random) < _USUAL_SHARE
    angle = _uniform(n, math.pi, random) * torch.where(usual, _TURN, 1.0)
    mirror = torch.where(usual | (torch.rand(n, generator=random) < 0.5), 1.0, -1.0)
    scale = torch.exp(_uniform(n, math.log(_SCALE), random))
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    shifts = [_uniform(n, 2 * _SHIFT_SHARE, random) for _ in range(2)]
    rows = [[cosine * mirror, -sine, shifts[0]], [sine * mirror, cosine, shifts[1]]]
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _uniform(n: int, largest: float, random: torch.Generator) -> "Tensor":
    return (torch.rand(n, generator=random) * 2 - 1) * largest


def _wanted(squares: "Tensor", n: int, side_px: int) -> "Tensor":
    """A round map about each middle, its sum 1; a middle outside the image wants the border nearest to it."""
    places = centres(n, side_px).to(squares.device)
    row, column = (
        torch.softmax(-((places - squares[:, [axis]]) ** 2) / (2 * (_TARGET_SHARE * side_px) ** 2), dim=1)
        for axis in (0, 1)
    )
    return row[:, :, None] * column[:, None, :]


def _side(found: "Tensor") -> int:
    """Of the input, of which a map has half the pixels along each side."""
    return 2 * found.shape[-1]
