"""A small network that says of every place in a slice how likely the heart's middle is there, and how large it is.

Places are told by a map and not by two numbers at the end of dense layers: the map moves with the heart, so a few
hundred slices teach it, and its width tells how sure it is (Nibali et al., 2018).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "squares"

IMAGES = 2
"""Mean and spread over time."""


class Locator(nn.Module):
    """Down, wide at the bottom, and up again to half the side."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.standard = nn.InstanceNorm2d(IMAGES)  # each of the two by itself: one may be all zeros
        self.down = nn.ModuleList(
            _block(into, out, stride=2) for into, out in zip((IMAGES, *channels), channels, strict=False)
        )
        self.wide = nn.Sequential(*(_block(channels[-1], channels[-1], dilation=n) for n in (1, 2, 4)))
        pairs = zip(channels[:0:-1], channels[-2::-1], strict=True)
        self.up = nn.ModuleList(_block(low + high, high) for low, high in pairs)
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(channels[0], 2, 1)

    def forward(self, images: "Tensor") -> "Tensor":
        """A logit of each place, and the size seen from there."""
        seen = [self.standard(images)]
        for down in self.down:
            seen.append(down(seen[-1]))
        deep = self.wide(seen[-1])
        for up, beside in zip(self.up, seen[-2:0:-1], strict=True):
            deep = up(torch.cat([self.enlarge(deep), beside], dim=1))
        found: Tensor = self.head(deep)
        return found


def build(channels: Sequence[int] = (16, 32, 64)) -> nn.Module:
    """`(n, 2, side, side)` in; out `(n, 2, side / 2, side / 2)`: a logit of each place, and the size seen from there.

    The side is a multiple of 2 ** len(channels).
    """
    return Locator(channels)


def _block(into: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(into, out, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
