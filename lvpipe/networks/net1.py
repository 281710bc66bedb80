"""Hsin and Danner's first network: three convolutions of 64 filters, no pooling, nothing against overfitting."""

from torch import nn

from lvpipe.networks._layers import lasagne_unit, start_glorot

_FILTERS = 64


def build(outputs: int = 1) -> nn.Module:
    """74,561 parameters; a 1 x 1 convolution, which the paper leaves unsaid, turns the filters into a logit."""
    network = nn.Sequential(
        lasagne_unit(1, _FILTERS, batch_norm=False),
        lasagne_unit(_FILTERS, _FILTERS, batch_norm=False),
        lasagne_unit(_FILTERS, _FILTERS, batch_norm=False),
        nn.Conv2d(_FILTERS, outputs, 1),
    )
    start_glorot(network)
    return network
