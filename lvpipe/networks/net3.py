"""Hsin and Danner's network that segments (Table 2): ten convolutions, a dense layer, and back up."""

from torch import nn

from lvpipe.networks._layers import start_glorot
from lvpipe.networks._mirrored import STAGES, bottleneck, encoder, expanding

SIDE = 128

_CODE = (64, 8, 8)
"""The dense layer is 4,096 wide, which is just what Pool4 makes: it is put back into that shape."""


def build(outputs: int = 1, batch_norm: bool = True, dropout: float = 0.5) -> nn.Module:
    """19,942,145 parameters for one label, 19,939,265 without batch normalisation.

    The paper puts the normalisation "at intervals": here it follows every convolution but the last.
    """
    network = nn.Sequential(
        *encoder(batch_norm, dropout),
        *bottleneck(_CODE, field=8, channels=64),
        *expanding(STAGES, _CODE[0], outputs, batch_norm),
    )
    start_glorot(network)
    return network
