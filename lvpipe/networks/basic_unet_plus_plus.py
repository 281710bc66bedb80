"""MONAI's U-Net++: a U-Net of every depth in one, nested (Zhou et al., 2018)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monai.networks.nets import BasicUNetPlusPlus
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

SIDE_MULTIPLE = 16


class Deepest(nn.Module):
    """MONAI's returns a list, in which without deep supervision stands one thing alone."""

    def __init__(self, nested: nn.Module) -> None:
        super().__init__()
        self.nested = nested

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label."""
        logits: Tensor = self.nested(images)[-1]
        return logits


def build(outputs: int = 1, features: Sequence[int] = (32, 32, 64, 128, 256, 32), dropout: float = 0.0) -> nn.Module:
    """`features` are those of five levels and, at the end, of the last one upward."""
    return Deepest(BasicUNetPlusPlus(2, 1, outputs, features=tuple(features), dropout=dropout))
