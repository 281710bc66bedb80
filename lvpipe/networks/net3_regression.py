"""Hsin and Danner's network that tells the middle of the cavity and its area (Tables 2 and 3)."""

from typing import TYPE_CHECKING

from torch import nn

from lvpipe.networks._layers import Numbers, start_glorot
from lvpipe.networks._mirrored import encoder

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "areas"
SIDE = 128

_DENSE = 4096
_HIDDEN = 1024
_NUMBERS = 3
_AREA = 2
"""Which of the numbers is the area."""


class Net3Regression(nn.Module):
    """Of every image across and down, in shares of the side, and the area, in shares of the window."""

    def __init__(self, batch_norm: bool, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *encoder(batch_norm, dropout),
            nn.Conv2d(64, _DENSE, 8),
            nn.ReLU(inplace=True),
            nn.Conv2d(_DENSE, _HIDDEN, 1),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(_HIDDEN, _HIDDEN, 1),
            nn.ReLU(inplace=True),
            Numbers(_HIDDEN, _NUMBERS, 1),
            nn.Flatten(),
        )

    def forward(self, images: "Tensor") -> "Tensor":
        """Three numbers of every image, `(n, 3)`; the last layer is linear, so that they may lie beyond 0 and 1."""
        told: Tensor = self.layers(images)
        return told

    def fractions(self, images: "Tensor") -> "Tensor":
        """The share of each window that is cavity, `(n,)`."""
        area: Tensor = self(images)[:, _AREA]
        return area


def build(batch_norm: bool = True, dropout: float = 0.5) -> nn.Module:
    """23,609,795 parameters, 23,608,323 without batch normalisation."""
    network = Net3Regression(batch_norm, dropout)
    start_glorot(network)
    return network
