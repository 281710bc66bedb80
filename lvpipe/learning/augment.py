"""Random changes of whole batches: one geometric warp of image and target together, then intensities."""

from typing import TYPE_CHECKING

import torch

from lvpipe.config.train import Augmentation
from lvpipe.learning.augment_draws import Draws
from lvpipe.learning.augment_light import CHANGES
from lvpipe.learning.augment_shape import draw_grid, warp

if TYPE_CHECKING:
    from torch import Tensor


class Augmenter:
    """Applies `Augmentation` to batches in 0..1; all randomness comes from its generator, its own or a shared one."""

    def __init__(self, settings: Augmentation, seed: int, random: torch.Generator | None = None) -> None:
        self.random = random or torch.Generator().manual_seed(seed)
        self._draws = Draws(settings, self.random)

    def __call__(self, images: "Tensor", targets: "Tensor") -> "tuple[Tensor, Tensor]":
        """Change images `(n, 1, y, x)` and move their targets `(n, labels, y, x)`, whatever their values, along."""
        grid = draw_grid(self._draws, len(images), images.shape[-1])
        if grid is not None:
            images, targets = warp(images, targets, grid.to(images.device))
        return self.relight(images), targets

    def relight(self, images: "Tensor") -> "Tensor":
        """Change light, sharpness and noise alone: what is where, and how large, stays."""
        for change in CHANGES:
            images = change(self._draws, images)
        return images
