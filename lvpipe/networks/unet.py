"""MONAI's U-Net: strided convolutions down, transposed ones up, residual units on the way."""

from collections.abc import Sequence

from monai.networks.nets import UNet
from torch import nn

SIDE_HALVED_BY = "channels"


def build(
    outputs: int = 1, channels: Sequence[int] = (16, 32, 64, 128), residual_units: int = 1, dropout: float = 0.0
) -> nn.Module:
    """One image channel in, a logit of each label out; the image side is a multiple of 2 ** (len(channels) - 1)."""
    network: nn.Module = UNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=outputs,
        channels=tuple(channels),
        strides=(2,) * (len(channels) - 1),
        num_res_units=residual_units,
        dropout=dropout,
        norm="batch",
    )
    return network
