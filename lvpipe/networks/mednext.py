"""MONAI's MedNeXt: large depthwise convolutions in residual blocks, like a transformer's (Roy et al., 2023)."""

from monai.networks.nets import MedNeXt
from torch import nn

SIDE_MULTIPLE = 16

_LEVELS = 4


def build(outputs: int = 1, filters: int = 16, kernel: int = 5, blocks: int = 2, expansion: int = 2) -> nn.Module:
    """`blocks` on each of four levels, each of a `kernel` of odd side; the first level has `filters`."""
    network: nn.Module = MedNeXt(
        2,
        filters,
        1,
        outputs,
        encoder_expansion_ratio=expansion,
        decoder_expansion_ratio=expansion,
        bottleneck_expansion_ratio=expansion,
        kernel_size=kernel,
        use_residual_connection=True,
        blocks_down=(blocks,) * _LEVELS,
        blocks_bottleneck=blocks,
        blocks_up=(blocks,) * _LEVELS,
    )
    return network
