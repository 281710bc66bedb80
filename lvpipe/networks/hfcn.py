"""Liao et al.'s hypercolumn network: what all depths see of a pixel says what it is, and how much cavity it holds."""

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from lvpipe.networks._area_head import share_of_window
from lvpipe.networks._layers import double, lasagne_unit, start_he_lasagne
from lvpipe.networks._pairs import as_logits, as_probabilities

if TYPE_CHECKING:
    from torch import Tensor

SIDE_MULTIPLE = 8

_TRUNK = (1, 32, 32, 32), (32, 32, 32, 32), (32, 64, 64), (64, 64, 64)
"""Channels into and out of the convolutions, a pooling between each two stages."""

_AREA_FILTERS = {"A": 8, "B": 16}


class Hfcn(nn.Module):
    """Logits of each label (the paper's P), and a map O whose mean is the share of the window that is cavity.

    Drawn masks alone leave the head of areas as it started: areas and volumes teach it.
    """

    def __init__(self, outputs: int, variant: str, rectified: bool) -> None:
        super().__init__()
        thin = 5 if variant == "B" else 4
        width = thin * len(_TRUNK)
        self.trunk = nn.ModuleList(_stage(channels) for channels in _TRUNK)
        self.pool = nn.MaxPool2d(2)
        depths = range(len(_TRUNK) - 1, -1, -1)
        self.sides = nn.ModuleList(nn.Sequential(lasagne_unit(_TRUNK[n][-1], thin, 1), double(2**n)) for n in depths)
        self.merge = nn.ModuleList(lasagne_unit(width, width) for _ in range(2 if variant == "B" else 0))
        self.scores = nn.Conv2d(width, 2 * outputs, 3, padding=1)
        self.area = _area_head(width * (1 + len(self.merge)) + 2 * outputs, variant, rectified)

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label."""
        return as_logits(self.scores(self._columns(images)[-1]))

    def both(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        """Logits of each label, and the map of areas `(n, 1, y, x)`."""
        columns = self._columns(images)
        scores = self.scores(columns[-1])
        return as_logits(scores), self.area(torch.cat([*columns, as_probabilities(scores)], dim=1))

    def fractions(self, images: "Tensor") -> "Tensor":
        """The share of each window that is cavity, `(n,)`."""
        return share_of_window(self.both(images)[1])

    def _columns(self, images: "Tensor") -> "list[Tensor]":
        seen = [self.trunk[0](images)]
        for stage in self.trunk[1:]:
            seen.append(stage(self.pool(seen[-1])))
        columns = [torch.cat([side(deep) for side, deep in zip(self.sides, reversed(seen), strict=True)], dim=1)]
        for merge in self.merge:
            columns.append(merge(columns[-1]))
        return columns


def build(
    outputs: int = 1, variant: Literal["A", "B", "P"] = "B", o_activation: Literal["relu", "linear", "own"] = "own"
) -> nn.Module:
    """`A` and `B` are nets of the released code, `P` is what the text says: 178,691, 193,907 and 177,397 parameters.

    The code rectifies the map of areas, the text does not: `own` is `linear` for `P` and `relu` for the others.
    """
    rectified = o_activation == "relu" or (o_activation == "own" and variant != "P")
    network = Hfcn(outputs, variant, rectified)
    start_he_lasagne(network)
    return network


def _stage(channels: tuple[int, ...]) -> nn.Module:
    return nn.Sequential(*(lasagne_unit(into, out) for into, out in pairwise(channels)))


def _area_head(channels: int, variant: str, rectified: bool) -> nn.Module:
    layers: list[nn.Module] = []
    if variant in _AREA_FILTERS:
        layers.append(lasagne_unit(channels, _AREA_FILTERS[variant], batch_norm=variant == "B"))
        channels = _AREA_FILTERS[variant]
    layers.append(nn.Conv2d(channels, 1, 1))
    return nn.Sequential(*layers, *([nn.ReLU()] if rectified else []))
