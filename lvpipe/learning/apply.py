"""A trained network, or several averaged, over many images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.learning.batches import standardise

if TYPE_CHECKING:
    from torch import nn


def draw_images(networks: "Sequence[nn.Module]", images_nyx: NDArray[Any], batch_images: int) -> NDArray[np.float32]:
    """Mean probability of the cavity in every image, in full batches."""
    probs_nyx = np.empty(images_nyx.shape, np.float32)
    with torch.inference_mode():
        for start in range(0, len(images_nyx), batch_images):
            batch = standardise(torch.from_numpy(images_nyx[start : start + batch_images])[:, None].float())
            mean = torch.stack([torch.sigmoid(network(batch)) for network in networks]).mean(dim=0)
            probs_nyx[start : start + batch_images] = mean[:, 0].numpy()
    return probs_nyx
