"""The network that fits a square to the heart: six frames of 25 x 25 in, how far off the square lies out."""

from typing import TYPE_CHECKING

from torch import nn

from lvpipe.detection.lessons import MOMENTS
from lvpipe.networks.roi_cnn import SIDE

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "squares"

_FEATURES = 16
_DENSE = 64
_DROPOUT = 0.2
_POOLS = 3


class RoiFit(nn.Module):
    """Three pairs of convolutions and two dense layers: where something lies must not be averaged away."""

    def __init__(self) -> None:
        super().__init__()
        wide, cells = 2 * _FEATURES, (SIDE // 2**_POOLS) ** 2
        self.layers = nn.Sequential(
            *_pair(MOMENTS, _FEATURES),
            *_pair(_FEATURES, wide),
            *_pair(wide, wide),
            nn.Flatten(),
            nn.Dropout(_DROPOUT),
            nn.Linear(wide * cells, _DENSE),
            nn.ReLU(),
            nn.Linear(_DENSE, 3),
        )

    def forward(self, patches: "Tensor") -> "Tensor":
        """Shift down and to the right as shares of the square's side, and the logarithm of the right side over it."""
        corrections: Tensor = self.layers(patches)
        return corrections


def build() -> nn.Module:
    """54,435 parameters."""
    return RoiFit()


def _pair(channels: int, out: int) -> tuple[nn.Module, ...]:
    return *_convolution(channels, out), *_convolution(out, out), nn.MaxPool2d(2)


def _convolution(channels: int, out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
