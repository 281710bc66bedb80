"""MONAI's DynUNet, the network of nnU-Net: strided convolutions, each normalised (Isensee et al., 2021)."""

from collections.abc import Sequence
from typing import Literal

from monai.networks.nets import DynUNet
from torch import nn

SIDE_HALVED_BY = "filters"

_TWICE = ("input_block", "downsamples", "bottleneck", "upsamples")
"""Names of layers that it applies by another name: with both every weight would be stored twice."""


def build(
    outputs: int = 1,
    filters: Sequence[int] = (32, 64, 128, 256, 512),
    residual: bool = False,
    dropout: float = 0.0,
    norm: Literal["instance", "batch"] = "instance",
) -> nn.Module:
    """`filters` of each level, the side halved between them; `residual` blocks as in nnU-Net's later presets.

    nnU-Net has `norm: instance`: each image is normalised by itself. Without deep supervision: one map of logits comes
    out, in training as in use.
    """
    levels = len(filters)
    network: nn.Module = DynUNet(
        2,
        1,
        outputs,
        kernel_size=[3] * levels,
        strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1),
        filters=tuple(filters),
        norm_name=norm,
        dropout=dropout or None,
        res_block=residual,
    )
    for twice in _TWICE:
        delattr(network, twice)
    return network
