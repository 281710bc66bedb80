"""Several networks' maps of areas made one, as in Liao et al.'s released code: their plain mean, or a learnt sum."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "areas"
TAKES = "maps"


class Measuring(Protocol):
    """A network that measures areas besides drawing: hfcn and fcn_sum."""

    def both(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        """Logits of each label, and the map of areas `(n, 1, y, x)`."""


class Fusion(nn.Module):
    """A weight of each map and a bias; untaught it is their mean."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(maps, 1, 1)
        for parameter, start in zip(self.weigh.parameters(), (1 / maps, 0.0), strict=True):
            nn.init.constant_(parameter, start)

    def forward(self, maps: "Tensor") -> "Tensor":
        """The one map `(n, 1, y, x)` of `(n, maps, y, x)`; an area is never below 0."""
        return torch.relu(self.weigh(maps))


def build(maps: int = 6) -> nn.Module:
    """Seven parameters for the paper's six networks."""
    return Fusion(maps)


def fuse(networks: Sequence[Measuring], images: "Tensor", fusion: nn.Module | None = None) -> "Tensor":
    """The map of areas `(n, 1, y, x)` that these networks make together; their mean, where nothing was learnt."""
    maps = torch.cat([network.both(images)[1] for network in networks], dim=1)
    fused: Tensor = maps.mean(dim=1, keepdim=True) if fusion is None else fusion(maps)
    return fused
