"""Hsin and Danner's network that tells a volume from many images at once (Table 4); one of EDV, one of ESV."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from lvpipe.networks._layers import Numbers, lasagne_unit, start_glorot

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "volumes"
TAKES = "channels"
SIDE = 128

_FIELDS = (3, 3), (3, 3), (3, 1)
"""Sides of the fields of each stage's two convolutions; a pooling after each stage."""

_FIELD = SIDE // 2 ** len(_FIELDS)
"""That of the dense layer: all that is left of the image."""


class Apart(nn.Module):
    """Two networks that share nothing but their input: what teaches one leaves the other as it is."""

    def __init__(self, channels: int, filters: Sequence[int], dense: int) -> None:
        super().__init__()
        self.channels = channels
        self.diastole = tell_one(channels, filters, dense)
        self.systole = tell_one(channels, filters, dense)

    def forward(self, stacks: "Tensor") -> "Tensor":
        """EDV and ESV in mL, `(n, 2)`, of stacks of images `(n, channels, y, x)`."""
        return torch.cat([self.diastole(stacks), self.systole(stacks)], dim=1)

    def start_at(self, edv_ml: float, esv_ml: float) -> None:
        """Let the volumes start at these, such as the means of those to learn from."""
        for network, volume_ml in ((self.diastole, edv_ml), (self.systole, esv_ml)):
            nn.init.constant_(network[-2].bias, volume_ml)  # type: ignore[arg-type]  # its stub: there may be none


def tell_one(channels: int = 30, filters: Sequence[int] = (64, 96, 128), dense: int = 1024) -> nn.Sequential:
    """The paper's network: one volume of every stack, `(n, 1)`; 33,876,417 parameters for 30 channels."""
    layers: list[nn.Module] = []
    into = channels
    for out, fields in zip(filters, _FIELDS, strict=True):
        for field in fields:
            layers.append(lasagne_unit(into, out, field, batch_norm=False))
            into = out
        layers.append(nn.MaxPool2d(2))
    volume = (nn.Conv2d(into, dense, _FIELD), nn.ReLU(inplace=True), Numbers(dense, 1, 1), nn.Flatten())
    return nn.Sequential(*layers, *volume)


def build(channels: int = 30, filters: Sequence[int] = (64, 96, 128), dense: int = 1024) -> nn.Module:
    """Twice 33,876,417 parameters for 30 channels; `filters` of the three stages and `dense` are the paper's."""
    network = Apart(channels, filters, dense)
    start_glorot(network)
    return network
