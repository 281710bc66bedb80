"""A head of areas for any network that draws: a small correction of its map of the cavity, by image and drawing."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

_FILTERS = 8
"""Of its hidden layer, as variant A of Liao et al.'s head has them."""


class WithAreas(nn.Module):
    """A network that draws as before, and a map of areas whose mean is the share of the window that is cavity.

    The map is the cavity's probability with what the head adds to its logit, at first nothing. So it is never below 0,
    and unlike a rectified map it cannot end at 0 everywhere, from where no slope leads back.
    """

    def __init__(self, drawing: nn.Module, outputs: int) -> None:
        super().__init__()
        self.drawing = drawing
        last = nn.Conv2d(_FILTERS, 1, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        first = nn.Conv2d(1 + outputs, _FILTERS, 3, padding=1)
        self.area = nn.Sequential(first, nn.ReLU(inplace=True), last)

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label."""
        logits: Tensor = self.drawing(images)
        return logits

    def both(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        """Logits of each label, and the map of areas `(n, 1, y, x)`."""
        logits = self(images)
        return logits, torch.sigmoid(logits[:, :1] + self.area(torch.cat([images, logits.sigmoid()], dim=1)))

    def fractions(self, images: "Tensor") -> "Tensor":
        """The share of each window that is cavity, `(n,)`."""
        return share_of_window(self.both(images)[1])


def share_of_window(areas: "Tensor") -> "Tensor":
    """The mean of each map of areas `(n, 1, y, x)`."""
    return areas.float().mean(dim=(1, 2, 3))
