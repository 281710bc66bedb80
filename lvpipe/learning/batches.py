"""Batches as every network sees them, in training and in use."""

from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray

from lvpipe.config.network_job import Precision
from lvpipe.config.window import Intensities
from lvpipe.learning.device import resolve_precision

if TYPE_CHECKING:
    from torch import Tensor, nn

_SMALLEST_SD = 1e-3
"""Below this an image is constant: it becomes zero instead of amplified noise."""

WHITE = 255.0
"""The brightest that a stored image is."""


def as_batch(images_nyx: NDArray[Any]) -> "Tensor":
    """Stored images (0..255) as `(n, 1, y, x)` in 0..1."""
    return torch.from_numpy(images_nyx)[:, None].float() / WHITE


def compute_logits(
    network: "nn.Module", images: "Tensor", precision: Precision, intensities: Intensities = "standard"
) -> "Tensor":
    """Scale images in 0..1 and apply the network, where both are."""
    return compute(network, scale(images, intensities), precision)


def compute(network: "nn.Module", ready: "Tensor", precision: Precision) -> "Tensor":
    """Apply the network to what is ready for it, in these numbers."""
    with in_numbers(precision, ready.device.type):
        found: Tensor = network(ready)
    return found.float()


def in_numbers(precision: Precision, device: str) -> torch.autocast:
    """What networks are applied within, to compute in these numbers."""
    low = resolve_precision(precision, device) == "bfloat16"
    return torch.autocast(device, dtype=torch.bfloat16, enabled=low)


def scale(images: "Tensor", intensities: Intensities) -> "Tensor":
    """Images in 0..1 as a network wants them."""
    if intensities == "standard":
        return standardise(images)
    dimmed = images / WHITE if intensities == "dimmed" else images
    return dimmed.contiguous(memory_format=torch.channels_last)


def standardise(images: "Tensor") -> "Tensor":
    """Each image `(n, 1, y, x)` to zero mean and unit spread, in the memory format that convolutions like."""
    sd, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True)
    return ((images - mean) / sd.clamp(min=_SMALLEST_SD)).contiguous(memory_format=torch.channels_last)
