"""Where each pixel of a changed image comes from: all geometric changes as one grid, applied once."""

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.functional import affine_grid, grid_sample

from lvpipe.learning.augment_draws import Draws
from lvpipe.learning.augment_smooth import smooth

if TYPE_CHECKING:
    from torch import Tensor

_HALF_TURN = 180


def warp(images: "Tensor", targets: "Tensor", grid: "Tensor") -> "tuple[Tensor, Tensor]":
    """Images `(n, c, y, x)`, their border repeated outside, and targets with their values as they are, 0 outside."""
    moved = grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    drawn = grid_sample(targets.float(), grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return moved, drawn.to(targets.dtype)


def draw_grid(draws: Draws, n: int, side: int) -> "Tensor | None":
    """Sources `(n, y, x, 2)` in normalised coordinates, x before y as torch wants them; None: all stays in place."""
    theta = _thetas(draws, n, side)
    bent = _bend(draws, n, side)
    if bent is None and torch.equal(theta, torch.eye(2, 3).expand(n, 2, 3)):
        return None
    grid = affine_grid(theta.flip(1)[:, :, [1, 0, 2]], [n, 1, side, side], align_corners=False)
    return grid if bent is None else grid + bent


def _thetas(draws: Draws, n: int, side: int) -> "Tensor":
    """Rotation, turn, scale, mirrors and shift as 2 x 3 matrices, y before x."""
    wanted = draws.settings
    angle = draws.sometimes("rotate", n, math.radians(wanted.rotate_degrees)) + _turn(draws, n)
    scale = _scale(draws, n)
    mirrors = [_mirror(draws, n, "mirror_y", wanted.mirror_y), _mirror(draws, n, "mirror_x", wanted.mirror_x)]
    shifts = [_shift(draws, scale, side) for _ in range(2)]
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    first = torch.stack([cosine * mirrors[0], -sine * mirrors[1], shifts[0]], dim=1)
    second = torch.stack([sine * mirrors[0], cosine * mirrors[1], shifts[1]], dim=1)
    return torch.stack([first, second], dim=1)


def _turn(draws: Draws, n: int) -> "Tensor":
    step = draws.settings.turn_degrees
    if not step or not draws.share("turn"):
        return torch.zeros(n)
    chosen = draws.chosen("turn", n)
    return torch.floor(draws.uniform(n, 0, 2 * _HALF_TURN / step)) * math.radians(step) * chosen


def _scale(draws: Draws, n: int) -> "Tensor":
    share = draws.settings.scale_share
    return draws.between("scale", n, *(draws.settings.scale_range or (1 - share, 1 + share)), still=1.0)


def _mirror(draws: Draws, n: int, axis: Literal["mirror_y", "mirror_x"], wanted: bool) -> "Tensor":
    if not wanted or not draws.share(axis):
        return torch.ones(n)
    return 1 - 2 * draws.chosen(axis, n, part=0.5).float()


def _shift(draws: Draws, scale: "Tensor", side: int) -> "Tensor":
    wanted, n = draws.settings, len(scale)
    room = draws.sometimes("shift", n, wanted.room_share) * (scale - wanted.room_from).clamp(min=0)
    return draws.sometimes("shift", n, 2 * wanted.shift_px / side) + room


def _bend(draws: Draws, n: int, side: int) -> "Tensor | None":
    """A smooth displacement of every pixel, `(n, y, x, 2)`; that of a coarse grid's points is drawn."""
    points, largest = draws.settings.bend_points, 2 * draws.settings.bend_px / side
    strength = draws.sometimes("bend", n, largest).abs()
    if not strength.any():
        return None
    moved = (torch.rand((n, 2, points, points), generator=draws.random) * 2 - 1) * strength[:, None, None, None]
    return smooth(moved, side).permute(0, 2, 3, 1)
