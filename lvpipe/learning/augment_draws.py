"""What is drawn at random for each image of a batch: whether a change is made, and how far it goes."""

from typing import TYPE_CHECKING

import torch

from lvpipe.config.train import Augmentation, Change

if TYPE_CHECKING:
    from torch import Tensor


class Draws:
    """Draws from one generator on the processor, so that a batch is changed alike on every device."""

    def __init__(self, settings: Augmentation, random: torch.Generator) -> None:
        self.settings, self.random = settings, random

    def share(self, change: Change) -> float:
        """Probability of a change for an image."""
        return self.settings.shares.get(change, self.settings.share)

    def chosen(self, change: Change, n: int, part: float = 1.0) -> "Tensor":
        """Which images are changed: `(n,)`; a part of those that might be."""
        return self.uniform(n, 0, 1) < self.share(change) * part

    def sometimes(self, change: Change, n: int, largest: float) -> "Tensor":
        """Uniform in -largest..largest for a share of the images, 0 for the others."""
        return self.between(change, n, -largest, largest, still=0.0)

    def between(self, change: Change, n: int, low: float, high: float, still: float) -> "Tensor":
        """Uniform between these for a share of the images, `still` for the others; a change that is off draws none."""
        if low == high == still or not self.share(change):
            return torch.full((n,), still)
        chosen = self.chosen(change, n)
        return torch.where(chosen, self.uniform(n, low, high), still)

    def uniform(self, n: int, low: float, high: float) -> "Tensor":
        """Of each image a number between these, `(n,)`."""
        return torch.rand(n, generator=self.random) * (high - low) + low
