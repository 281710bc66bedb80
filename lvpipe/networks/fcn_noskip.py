"""Sinha et al.'s fully convolutional network as they saved and logged it: their U-Net without a single skip."""

from collections.abc import Sequence

from torch import nn

from lvpipe.networks.sinha_unet import SinhaUNet

SIDE_MULTIPLE = 16


def build(outputs: int = 1, dropout: float | Sequence[float] = 0.5) -> nn.Module:
    """7,697,379 parameters for the paper's three labels; nothing released has the 7,564,259 that the paper prints."""
    return SinhaUNet(outputs, dropout, skips=())
