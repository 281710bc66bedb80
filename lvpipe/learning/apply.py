"""A trained network, or several averaged, over many images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.train import Precision
from lvpipe.learning.batches import as_batch, compute_logits

if TYPE_CHECKING:
    from torch import nn


def draw_images(
    networks: "Sequence[nn.Module]", images_nyx: NDArray[Any], batch_images: int, precision: Precision
) -> NDArray[np.float32]:
    """Mean probability of the cavity in every image, in full batches."""
    probs_nyx = np.empty(images_nyx.shape, np.float32)
    with torch.inference_mode():
        for start in range(0, len(images_nyx), batch_images):
            batch = as_batch(images_nyx[start : start + batch_images])
            mean = torch.stack([torch.sigmoid(compute_logits(network, batch, precision)) for network in networks]).mean(
                dim=0
            )
            probs_nyx[start : start + batch_images] = mean[:, 0].numpy()
    return probs_nyx
