"""Random changes of whole batches: one geometric warp of image and target together, then intensities."""

import math
from typing import TYPE_CHECKING

import torch
from monai.networks.layers import AffineTransform

from lvpipe.config.train import Augmentation

if TYPE_CHECKING:
    from torch import Tensor

_BIAS_CELLS = 3
"""Control points of the brightness field along each axis: a coil's field is smooth over the whole heart."""


class Augmenter:
    """Applies `Augmentation` to batches in 0..1; all randomness comes from its own generator."""

    def __init__(self, settings: Augmentation, seed: int) -> None:
        self.settings = settings
        self.random = torch.Generator().manual_seed(seed)
        self._warp_image = AffineTransform(normalized=True, mode="bilinear", padding_mode="border", align_corners=False)
        self._warp_target = AffineTransform(normalized=True, mode="nearest", padding_mode="zeros", align_corners=False)

    def __call__(self, images: "Tensor", targets: "Tensor") -> "tuple[Tensor, Tensor]":
        """Change images `(n, 1, y, x)` and targets of the same shape."""
        theta = self._thetas(len(images), images.shape[-1])
        warped, drawn = self._warp_image(images, theta), self._warp_target(targets, theta)
        return self._noise(self._bias(self._gamma(warped))), drawn

    def _thetas(self, n: int, side: int) -> "Tensor":
        """Rotation, scale, mirror and shift as 2 x 3 matrices in normalised coordinates."""
        wanted = self.settings
        angle = self._sometimes(n, math.radians(wanted.rotate_degrees))
        scale = 1 + self._sometimes(n, wanted.scale_share)
        mirror = 1 - 2 * (self._uniform(n, 0, 1) < wanted.share / 2).float()
        cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
        shifts = [self._sometimes(n, 2 * wanted.shift_px / side) for _ in range(2)]
        first = torch.stack([cosine * mirror, -sine, shifts[0]], dim=1)
        second = torch.stack([sine * mirror, cosine, shifts[1]], dim=1)
        return torch.stack([first, second], dim=1)

    def _gamma(self, images: "Tensor") -> "Tensor":
        exponent = torch.exp(self._sometimes(len(images), math.log(self.settings.gamma)))
        return images.clamp(0, 1) ** exponent[:, None, None, None]

    def _bias(self, images: "Tensor") -> "Tensor":
        n = len(images)
        cells = torch.rand((n, 1, _BIAS_CELLS, _BIAS_CELLS), generator=self.random) * 2 - 1
        strength = self._sometimes(n, self.settings.bias_share)[:, None, None, None]
        field = torch.nn.functional.interpolate(cells * strength, size=images.shape[-2:], mode="bicubic")
        return images * (1 + field)

    def _noise(self, images: "Tensor") -> "Tensor":
        sd = self._sometimes(len(images), self.settings.noise_sd).abs()[:, None, None, None]
        return images + sd * torch.randn(images.shape, generator=self.random)

    def _sometimes(self, n: int, largest: float) -> "Tensor":
        """Uniform in -largest..largest for a share of the images, 0 for the others."""
        chosen = self._uniform(n, 0, 1) < self.settings.share
        return self._uniform(n, -largest, largest) * chosen

    def _uniform(self, n: int, low: float, high: float) -> "Tensor":
        return torch.rand(n, generator=self.random) * (high - low) + low
