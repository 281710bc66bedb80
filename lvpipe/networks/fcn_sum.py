"""Liao et al.'s first fully convolutional network: probabilities from four depths, averaged."""

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from lvpipe.networks._area_head import share_of_window
from lvpipe.networks._layers import double, lasagne_norm, lasagne_unit, start_he_lasagne
from lvpipe.networks._pairs import as_probabilities

if TYPE_CHECKING:
    from torch import Tensor

SIDE_MULTIPLE = 16

_TRUNK = (1, 32, 32, 32), (32, 64, 64, 64), (64, 64, 64), (64, 128, 128)
"""Channels into and out of the convolutions, a pooling after each stage."""

_FIELDS = (5, 3, 3, 3)
"""Sides of their fields."""

_SMALLEST = 1e-6
"""Of a probability and of what it lacks of 1: a logit stays finite."""


class FcnSum(nn.Module):
    """The mean probability of four depths, each enlarged to the image's side."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        stages = zip(_TRUNK, _FIELDS, strict=True)
        self.trunk = nn.ModuleList(_stage(channels, field) for channels, field in stages)
        self.heads = nn.ModuleList(_head(channels[-1], 2 * outputs) for channels in _TRUNK)
        self.enlarge = double()

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label's mean probability."""
        return torch.logit(self._probabilities(images).float(), eps=_SMALLEST)

    def both(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        """Logits of each label, and the map of areas: this network's is the cavity's probability itself."""
        probs = self._probabilities(images).float()
        return torch.logit(probs, eps=_SMALLEST), probs[:, :1]

    def fractions(self, images: "Tensor") -> "Tensor":
        """The share of each window that is cavity, `(n,)`."""
        return share_of_window(self.both(images)[1])

    def _probabilities(self, images: "Tensor") -> "Tensor":
        maps: list[Tensor] = []
        for stage, head in zip(self.trunk, self.heads, strict=True):
            images = stage(images)
            maps.append(as_probabilities(head(images)))
        total = self.enlarge(maps[-1])
        for beside in reversed(maps[:-1]):
            total = self.enlarge(total + beside)
        probs: Tensor = total[:, ::2] / len(maps)
        return probs


def build(outputs: int = 1) -> nn.Module:
    """441,008 parameters for one label."""
    network = FcnSum(outputs)
    start_he_lasagne(network)
    return network


def _stage(channels: tuple[int, ...], field: int) -> nn.Module:
    return nn.Sequential(*(lasagne_unit(into, out, field) for into, out in pairwise(channels)), nn.MaxPool2d(2))


def _head(channels: int, scores: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, scores, 1, bias=False), lasagne_norm(scores))
