"""MONAI's plain U-Net: two convolutions a level, four levels, transposed convolutions up (Falk et al., 2019)."""

from collections.abc import Sequence

from monai.networks.nets import BasicUNet
from torch import nn

SIDE_MULTIPLE = 16


def build(outputs: int = 1, features: Sequence[int] = (32, 32, 64, 128, 256, 32), dropout: float = 0.0) -> nn.Module:
    """`features` are those of five levels and, at the end, of the last one upward."""
    network: nn.Module = BasicUNet(2, 1, outputs, features=tuple(features), dropout=dropout)
    return network
