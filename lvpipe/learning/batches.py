"""Batches as every network sees them, in training and in use."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST_SD = 1e-3
"""Below this an image is constant: it becomes zero instead of amplified noise."""


def standardise(images: "Tensor") -> "Tensor":
    """Each image `(n, 1, y, x)` to zero mean and unit spread, in the memory format that convolutions like."""
    sd, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True)
    return ((images - mean) / sd.clamp(min=_SMALLEST_SD)).contiguous(memory_format=torch.channels_last)
