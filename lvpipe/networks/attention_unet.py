"""MONAI's attention U-Net: gates decide what of the skips goes on (Oktay et al., 2018)."""

from collections.abc import Sequence

from monai.networks.nets import AttentionUnet
from torch import nn

SIDE_HALVED_BY = "channels"


def build(outputs: int = 1, channels: Sequence[int] = (16, 32, 64, 128), dropout: float = 0.0) -> nn.Module:
    """`channels` of each level, the side halved between them."""
    strides = (2,) * (len(channels) - 1)
    network: nn.Module = AttentionUnet(2, 1, outputs, channels=tuple(channels), strides=strides, dropout=dropout)
    return network
