"""A trained network, or several averaged, over many images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.network_job import Device, Precision
from lvpipe.config.window import Intensities
from lvpipe.learning.batches import as_batch, compute_logits
from lvpipe.turns import AS_IT_IS, Turn

if TYPE_CHECKING:
    from torch import Tensor, nn


def draw_images(
    networks: "Sequence[nn.Module]",
    images_nyx: NDArray[Any],
    batch_images: int,
    precision: Precision,
    device: Device = "cpu",
    intensities: Intensities = "standard",
    turns: Sequence[Turn] = (AS_IT_IS,),
) -> NDArray[np.float32]:
    """Mean probability of each output in every image, `(n, outputs, y, x)`, in full batches.

    The networks are on the device already; each sees every batch in all of these turns.
    """
    parts: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for start in range(0, len(images_nyx), batch_images):
            batch = as_batch(images_nyx[start : start + batch_images]).to(device)
            parts.append(_mean_probability(networks, batch, precision, intensities, turns).cpu().numpy())
    return np.concatenate(parts)


def _mean_probability(
    networks: "Sequence[nn.Module]",
    batch: "Tensor",
    precision: Precision,
    intensities: Intensities,
    turns: Sequence[Turn],
) -> "Tensor":
    probs = [
        turn_back(torch.sigmoid(compute_logits(network, turned(batch, turn), precision, intensities)), turn)
        for network in networks
        for turn in turns
    ]
    return torch.stack(probs).mean(dim=0)


def turned(images: "Tensor", turn: Turn) -> "Tensor":
    """Images `(..., y, x)` mirrored or not, then turned; pixels change places and nothing else."""
    mirrored = images.flip(-1) if turn.mirrored else images
    return mirrored.rot90(turn.quarters, (-2, -1)) if turn.quarters else mirrored


def turn_back(images: "Tensor", turn: Turn) -> "Tensor":
    """What `turned` did, undone."""
    upright = images.rot90(-turn.quarters, (-2, -1)) if turn.quarters else images
    return upright.flip(-1) if turn.mirrored else upright
