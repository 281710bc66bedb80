"""Hsin and Danner's network that tells a volume from many images at once (Table 4)."""

from torch import nn

from lvpipe.networks._layers import lasagne_unit, start_glorot

MAKES = "volumes"
SIDE = 128

_STAGES = ((64, 3), (64, 3)), ((96, 3), (96, 3)), ((128, 3), (128, 1))
"""Filters and the side of their field, a pooling after each stage."""

_DENSE = 1024
_FIELD = SIDE // 8


def build(channels: int = 30, output_bias: float = 0.0) -> nn.Module:
    """One volume of every stack of `channels` images, `(n, 1)`; 33,876,417 parameters for 30.

    `output_bias` is where the volumes start, such as the mean of those to learn from, in mL.
    """
    layers: list[nn.Module] = []
    for stage in _STAGES:
        for filters, side in stage:
            layers.append(lasagne_unit(channels, filters, side, batch_norm=False))
            channels = filters
        layers.append(nn.MaxPool2d(2))
    volume = nn.Conv2d(_DENSE, 1, 1)
    network = nn.Sequential(*layers, nn.Conv2d(channels, _DENSE, _FIELD), nn.ReLU(inplace=True), volume, nn.Flatten())
    start_glorot(network)
    nn.init.constant_(volume.bias, output_bias)  # type: ignore[arg-type]  # its stub: there may be none
    return network
