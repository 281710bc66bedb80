"""The network that tells the heart's square from others (Liao et al., Table I): six frames of 25 x 25, two classes."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from lvpipe.detection.lessons import MOMENTS

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "squares"

SIDE = 25
"""Of a square, in pixels (Table I)."""

_FEATURES = 32
"""Channels of every layer (Table I)."""

_DROPOUT = 0.4
"""Share of the features that are left out at a time (Table I)."""


class RoiCnn(nn.Module):
    """Three convolutions and a dense layer; `mean` is what the training squares look like on average.

    Odd sides are pooled downward, 25 to 12: the table says so, though Caffe would round up.
    """

    mean: "Tensor"

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(MOMENTS, SIDE, SIDE))
        self.layers = nn.Sequential(
            *_convolution(MOMENTS, 5),
            nn.MaxPool2d(2),
            nn.Dropout(_DROPOUT),
            *_convolution(_FEATURES, 5),
            nn.MaxPool2d(2),
            nn.Dropout(_DROPOUT),
            *_convolution(_FEATURES, 3),
            nn.AvgPool2d(SIDE // 4),
            nn.Flatten(),
            nn.Linear(_FEATURES, 2),
        )

    def forward(self, patches: "Tensor") -> "Tensor":
        """Logits of wrong and right, `(n, 2)`."""
        logits: Tensor = self.layers(patches - self.mean)
        return logits


def build() -> nn.Module:
    """The network of the table: 39,970 parameters."""
    return RoiCnn()


def _convolution(channels: int, side: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, _FEATURES, side, padding=side // 2), nn.BatchNorm2d(_FEATURES), nn.ReLU()
