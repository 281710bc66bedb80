"""Random changes of squares cut from six frames, and what becomes of a shift within them."""

import math
from typing import TYPE_CHECKING

import torch

from lvpipe.learning.batches import WHITE

if TYPE_CHECKING:
    from torch import Tensor

_GAMMA = 1.5
"""Largest exponent of a contrast change, one for each frame; its inverse is the smallest."""

_TWO_FRAMES_SHARE = 0.25
"""Share of the examples shown as if only the first and a middle frame were known: pictures of ED and ES are."""

_WAYS = 8
"""Four quarter turns, each also mirrored: scans come in any of them."""


def change(patches: "Tensor", random: torch.Generator) -> "tuple[Tensor, Tensor]":
    """Patches `(n, 6, y, x)` in 0..255 rolled, reversed, turned, lighter or darker; and the way each was turned.

    No noise is added: standardised, it is strongest where there is nothing, and its absence would pass for a heart.
    """
    n, frames = patches.shape[:2]
    moments = patches[torch.arange(n)[:, None], _moments(n, frames, random)]
    ways = torch.floor(torch.rand(n, generator=random) * _WAYS).long()
    exponent = torch.exp(math.log(_GAMMA) * (2 * torch.rand(n, frames, generator=random) - 1))[:, :, None, None]
    return WHITE * (turn(moments, ways) / WHITE) ** exponent, ways


def turn(patches: "Tensor", ways: "Tensor") -> "Tensor":
    """Each patch mirrored from the fifth way on, then turned by quarters."""
    turned = torch.empty_like(patches)
    for way in range(_WAYS):
        chosen = patches[ways == way]
        turned[ways == way] = torch.rot90(chosen.flip(3) if way >= _WAYS // 2 else chosen, way, (2, 3))
    return turned


def turn_shifts(shifts: "Tensor", ways: "Tensor") -> "Tensor":
    """Where a shift `(n, 2)` down and to the right points after that."""
    row, column = shifts[:, 0], torch.where(ways >= _WAYS // 2, -shifts[:, 1], shifts[:, 1])
    for quarter in range(1, _WAYS // 2):
        on = ways % (_WAYS // 2) >= quarter
        row, column = torch.where(on, -column, row), torch.where(on, row, column)
    return torch.stack([row, column], dim=1)


def _moments(n: int, frames: int, random: torch.Generator) -> "Tensor":
    """Which of its frames an example shows in which place: rolled, reversed, or two of them alone."""
    places = torch.arange(frames).repeat(n, 1)
    places = torch.where(torch.rand(n, 1, generator=random) < 0.5, places.flip(1), places)
    rolled = (places + torch.floor(torch.rand(n, 1, generator=random) * frames).long()) % frames
    halves = torch.arange(frames) // (frames // 2) * (frames // 2)
    two = rolled[:, halves]
    return torch.where(torch.rand(n, 1, generator=random) < _TWO_FRAMES_SHARE, two, rolled)
