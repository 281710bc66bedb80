"""Hsin and Danner's network that tells the middle of the cavity and its area (Tables 2 and 3)."""

from torch import nn

from lvpipe.networks._layers import start_glorot
from lvpipe.networks._mirrored import encoder

MAKES = "areas"
SIDE = 128

_DENSE = 4096
_HIDDEN = 1024
_NUMBERS = 3
"""Across and down in shares of the side, and the area in shares of the window."""


def build(batch_norm: bool = True, dropout: float = 0.5) -> nn.Module:
    """Three numbers of every image, `(n, 3)`; 23,609,795 parameters, 23,608,323 without batch normalisation."""
    network = nn.Sequential(
        *encoder(batch_norm, dropout),
        nn.Conv2d(64, _DENSE, 8),
        nn.ReLU(inplace=True),
        nn.Conv2d(_DENSE, _HIDDEN, 1),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Conv2d(_HIDDEN, _HIDDEN, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(_HIDDEN, _NUMBERS, 1),
        nn.Flatten(),
    )
    start_glorot(network)
    return network
