"""Sinha et al.'s ResUNet: residual units that normalise before they convolve, enlarged by repeating pixels."""

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from lvpipe.networks._layers import double, keras_norm, start_glorot

if TYPE_CHECKING:
    from torch import Tensor

SIDE_MULTIPLE = 16

_DOWN = (16, 32, 64, 128, 256)
_UP = (256, 128, 64, 32)


class Residual(nn.Module):
    """What the layers make of something, and the thing itself by a 1 x 1 convolution, added."""

    def __init__(self, layers: nn.Module, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, stride=stride), keras_norm(out))

    def forward(self, seen: "Tensor") -> "Tensor":
        """The sum."""
        total: Tensor = self.layers(seen) + self.shortcut(seen)
        return total


class ResUNet(nn.Module):
    """Four levels down, two units at the bottom that add nothing, four levels up."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        first, last = _DOWN[0], _DOWN[-1]
        stem = nn.Sequential(nn.Conv2d(1, first, 3, padding=1), _unit(first, first))
        self.down = nn.ModuleList(
            [Residual(stem, 1, first, 1), *(_residual(i, o, stride=2) for i, o in pairwise(_DOWN))]
        )
        self.bridge = nn.Sequential(_unit(last, last), _unit(last, last))
        self.enlarge = double()
        joined = (below + beside for below, beside in zip((last, *_UP), _DOWN[-2::-1], strict=False))
        self.up = nn.ModuleList(_residual(into, out) for into, out in zip(joined, _UP, strict=True))
        self.head = nn.Conv2d(_UP[-1], outputs, 1)

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label; the paper's sigmoid is the loss's."""
        seen = [images]
        for down in self.down:
            seen.append(down(seen[-1]))
        deep = self.bridge(seen[-1])
        for up, beside in zip(self.up, seen[-2:0:-1], strict=True):
            deep = up(torch.cat([self.enlarge(deep), beside], dim=1))
        logits: Tensor = self.head(deep)
        return logits


def build(outputs: int = 1) -> nn.Module:
    """4,715,507 parameters for the paper's three labels, and 7,296 kept statistics."""
    network = ResUNet(outputs)
    start_glorot(network)
    return network


def _residual(into: int, out: int, stride: int = 1) -> nn.Module:
    return Residual(nn.Sequential(_unit(into, out, stride), _unit(out, out)), into, out, stride)


def _unit(into: int, out: int, stride: int = 1) -> nn.Module:
    # Keras's `same` for a stride of 2 pads an even side at its end alone; padding both ends would shift the grid.
    padding = (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1)
    return nn.Sequential(keras_norm(into), nn.ReLU(), nn.ZeroPad2d(padding), nn.Conv2d(into, out, 3, stride=stride))
