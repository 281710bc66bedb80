"""The task of telling where the middle of the cavity is and how large it is: three numbers of each drawn slice."""

from typing import TYPE_CHECKING

import torch

from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Intensities
from lvpipe.labels import CAVITY
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.batches import as_batch, scale
from lvpipe.learning.sampled import Judged, SampledTask
from lvpipe.learning.store import Samples
from lvpipe.learning.targets import warp_labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

AREA = 2
"""Which of the three numbers is the area."""


class Locating(SampledTask[Samples]):
    """Images with the labels of their pixels; what is wanted is measured in them after they were changed."""

    score = "1 - area error"

    def __init__(
        self, learn: Samples, watch: Samples, settings: TrainSettings, intensities: Intensities = "standard"
    ) -> None:
        super().__init__(learn, watch, settings, settings.epoch_images)
        self.intensities: Intensities = intensities
        self.augment = Augmenter(settings.augmentation, settings.seed)
        self.random = self.augment.random

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The loss of a batch, changed at random."""
        changed, moved = warp_labels(self.augment, *(part.to(self.settings.device) for part in batch))
        return error(self.apply(network, changed), moved)

    def standardise(self, images: "Tensor") -> "Tensor":
        """Images as this network wants them."""
        return scale(images, self.intensities)

    def fetch(self, examples: Samples, chosen: "NDArray[np.intp]") -> "Batch":
        """Images in 0..1, and the label of every pixel."""
        images_nyx, labels_nyx = examples.read(chosen)
        return as_batch(images_nyx), torch.from_numpy(labels_nyx)[:, None].float()

    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """What is good is counted in pixels: the cavities' areas, less what each is wrong by."""
        images, labels = batch
        told = self.apply(network, images).cpu()
        pixels = labels[0].numel()
        areas = locate(labels)[0][:, AREA]
        wrong = (told[:, AREA].clamp(min=0) - areas).abs()
        good, of = ((shares.sum() * pixels).round() for shares in (areas - wrong, areas))
        return Judged(float(error(told, labels)), int(good), int(of))


def locate(labels: "Tensor") -> "tuple[Tensor, Tensor]":
    """Of labels `(n, 1, y, x)` what should be told, `(n, 3)`, and 1 where it has a meaning.

    Across and down as shares of the side, counted by the middles of pixels, and the area as a share of all pixels.
    Nothing has no middle: of an image without a cavity the area alone has a meaning.
    """
    cavity = (labels[:, 0] == CAVITY).float()
    side = cavity.shape[-1]
    middles = (torch.arange(side, device=labels.device) + 0.5) / side
    counts = cavity.sum(dim=(1, 2))
    across, down = (cavity.sum(dim=axis) @ middles / counts.clamp(min=1) for axis in (1, 2))
    there = (counts > 0).float()
    wanted = torch.stack([across, down, counts / side**2], dim=1)
    return wanted, torch.stack([there, there, torch.ones_like(there)], dim=1)


def error(told: "Tensor", labels: "Tensor") -> "Tensor":
    """The length of each image's error, not its square; mean over the batch."""
    wanted, known = locate(labels)
    lengths: Tensor = torch.linalg.vector_norm((told - wanted) * known, dim=1)
    return lengths.mean()
