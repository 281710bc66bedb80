"""MONAI's SegResNet: a deep residual encoder, a thin decoder that adds (Myronenko, 2018, without its autoencoder)."""

from collections.abc import Sequence

from monai.networks.nets import SegResNet
from torch import nn

SIDE_HALVED_BY = "blocks"


def build(outputs: int = 1, filters: int = 16, blocks: Sequence[int] = (1, 2, 2, 4), dropout: float = 0.0) -> nn.Module:
    """`blocks` of each level of the encoder; the first has `filters`, a multiple of 8, each next twice as many."""
    up = (1,) * (len(blocks) - 1)
    network: nn.Module = SegResNet(
        2, filters, 1, outputs, dropout_prob=dropout or None, blocks_down=tuple(blocks), blocks_up=up
    )
    return network
