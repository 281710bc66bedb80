"""Smooth fields from a few points of a coarse grid."""

import functools
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from torch import Tensor


def smooth(points: "Tensor", side: int) -> "Tensor":
    """A field `(n, c, side, side)` through points `(n, c, k, k)`, the outer ones on its corners.

    Two products of small matrices: many times as fast as torch's bicubic interpolation, and the same.
    """
    weights = _weights(points.shape[-1], side).to(points.device)
    return weights @ points @ weights.T


@functools.cache
def _weights(points: int, side: int) -> "Tensor":
    """How much each point counts at each pixel along one axis, `(side, points)`."""
    alone = torch.eye(points)[None, :, :, None]  # an image one pixel wide for each point
    along = interpolate(alone, size=(side, 1), mode="bicubic", align_corners=True)
    return along[0, :, :, 0].T.contiguous()
