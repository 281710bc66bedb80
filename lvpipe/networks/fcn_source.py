"""Sinha et al.'s fully convolutional network as their source says it: their U-Net with the two uppermost skips."""

from collections.abc import Sequence

from torch import nn

from lvpipe.networks.sinha_unet import LEVELS, SinhaUNet

SIDE_MULTIPLE = 16


def build(outputs: int = 1, dropout: float | Sequence[float] = 0.5) -> nn.Module:
    """7,743,459 parameters for the paper's three labels; nothing released has the 7,564,259 that the paper prints."""
    return SinhaUNet(outputs, dropout, skips=LEVELS[-2:])
