"""MONAI's MedNeXt: large depthwise convolutions in residual blocks, like a transformer's (Roy et al., 2023)."""

from typing import Literal

from monai.networks.nets import MedNeXt
from torch import nn

SIDE_MULTIPLE = 16

_LEVELS = 4


def build(outputs: int = 1, filters: int = 16, kernel: Literal[3, 5, 7] = 5, blocks: int = 2) -> nn.Module:
    """`blocks` on each of four levels and at the bottom, each of a `kernel` of this side; the first has `filters`."""
    network: nn.Module = MedNeXt(
        2,
        filters,
        1,
        outputs,
        kernel_size=kernel,
        use_residual_connection=True,
        blocks_down=(blocks,) * _LEVELS,
        blocks_bottleneck=blocks,
        blocks_up=(blocks,) * _LEVELS,
    )
    return network
