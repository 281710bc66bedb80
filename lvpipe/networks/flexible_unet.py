"""MONAI's FlexibleUNet: a ResNet goes down, a U-Net's decoder up; no weights learnt elsewhere."""

from typing import Literal

from monai.networks.nets import FlexibleUNet
from torch import nn

SIDE_MULTIPLE = 32


def build(
    outputs: int = 1, backbone: Literal["resnet18", "resnet34", "resnet50"] = "resnet18", dropout: float = 0.0
) -> nn.Module:
    """The side is halved five times."""
    network: nn.Module = FlexibleUNet(1, outputs, backbone, spatial_dims=2, dropout=dropout)
    return network
