"""A trained network, or several averaged, over many images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.network_job import Device, Precision
from lvpipe.config.window import Intensities
from lvpipe.learning.batches import as_batch, compute_logits

if TYPE_CHECKING:
    from torch import Tensor, nn


def draw_images(
    networks: "Sequence[nn.Module]",
    images_nyx: NDArray[Any],
    batch_images: int,
    precision: Precision,
    device: Device = "cpu",
    intensities: Intensities = "standard",
) -> NDArray[np.float32]:
    """Mean probability of the cavity in every image, in full batches; the networks are on the device already."""
    probs_nyx = np.empty(images_nyx.shape, np.float32)
    with torch.inference_mode():
        for start in range(0, len(images_nyx), batch_images):
            batch = as_batch(images_nyx[start : start + batch_images]).to(device)
            mean = _mean_probability(networks, batch, precision, intensities)
            probs_nyx[start : start + batch_images] = mean[:, 0].cpu().numpy()
    return probs_nyx


def _mean_probability(
    networks: "Sequence[nn.Module]", batch: "Tensor", precision: Precision, intensities: Intensities
) -> "Tensor":
    probs = [torch.sigmoid(compute_logits(network, batch, precision, intensities)) for network in networks]
    return torch.stack(probs).mean(dim=0)
