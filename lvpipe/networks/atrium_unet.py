"""The U-Net of Craciun's dissertation on the left atrium: 64 to 1,024 features, every convolution normalised."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

_FEATURES = (64, 128, 256, 512)
_BOTTOM = 1024


class AtriumUNet(nn.Module):
    """Four levels down and up; where a side cannot be halved, what comes up is resized to what stands beside it."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        before = (1, *_FEATURES[:-1])
        self.down = nn.ModuleList(_pair(into, out) for into, out in zip(before, _FEATURES, strict=True))
        self.pool = nn.MaxPool2d(2)
        self.bottom = _pair(_FEATURES[-1], _BOTTOM)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * out, out, 2, stride=2) for out in reversed(_FEATURES))
        self.up = nn.ModuleList(_pair(2 * out, out) for out in reversed(_FEATURES))
        self.head = nn.Conv2d(_FEATURES[0], outputs, 1)

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label."""
        beside: list[Tensor] = []
        for down in self.down:
            beside.append(down(images))
            images = self.pool(beside[-1])
        deep = self.bottom(images)
        for enlarge, up, skip in zip(self.enlarge, self.up, reversed(beside), strict=True):
            deep = up(torch.cat([skip, _fit(enlarge(deep), skip)], dim=1))
        logits: Tensor = self.head(deep)
        return logits


def build(outputs: int = 1) -> nn.Module:
    """31,036,481 parameters for one label; torch's own initial weights, as the dissertation's code has them."""
    return AtriumUNet(outputs)


def _pair(into: int, out: int) -> nn.Module:
    return nn.Sequential(*_convolution(into, out), *_convolution(out, out))


def _convolution(into: int, out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(into, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)


def _fit(enlarged: "Tensor", beside: "Tensor") -> "Tensor":
    if enlarged.shape == beside.shape:
        return enlarged
    return nn.functional.interpolate(enlarged, size=beside.shape[2:], mode="bilinear", align_corners=False)
