"""The task of drawing the cavity in a slice's window: its batches, its loss, and the Dice of what is watched."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.losses import DiceCELoss
from numpy.typing import NDArray

from lvpipe.config.train import TrainSettings
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.batches import as_batch, compute_logits
from lvpipe.learning.store import Samples

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_WATCH_BATCHES = 4
"""Training batches that are watched at once: without gradients they need less memory than one that is learnt from."""


class Segmenting:
    """Images with their targets: the cavity against all else."""

    score = "Dice"

    def __init__(self, learn: Samples, watch: Samples, settings: TrainSettings) -> None:
        self.learn, self.watch, self.settings = learn, watch, settings
        self.images = min(len(learn), settings.epoch_images or len(learn))
        self.augment = Augmenter(settings.augmentation, settings.seed)
        self.random = self.augment.random
        self.compare = _loss(settings.loss)

    def batches(self, order: np.random.Generator) -> "Iterator[Batch]":
        """The images of one epoch, in the order of a fresh draw."""
        chosen = order.permutation(len(self.learn))[: self.images]
        return (_fetch(self.learn, some) for some in np.array_split(chosen, -(-self.images // self._size)))

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The loss of a batch, changed at random."""
        changed, drawn = self.augment(*batch)
        loss: Tensor = self.compare(self._logits(network, changed), drawn.to(self.settings.device))
        return loss

    def evaluate(self, network: "nn.Module") -> tuple[float, float]:
        """Loss, the images' mean over chunks of fixed size, and pooled Dice; memory holds one chunk."""
        loss, overlap, sizes = 0.0, 0, 0
        chunk = _WATCH_BATCHES * self._size
        for start in range(0, len(self.watch), chunk):
            images, targets = _fetch(self.watch, np.arange(start, min(start + chunk, len(self.watch))))
            logits = self._logits(network, images).cpu()
            drawn, reference = logits > 0, targets > 0
            loss += float(self.compare(logits, targets)) * len(images)
            overlap += int((drawn & reference).sum())
            sizes += int(drawn.sum() + reference.sum())
        return loss / len(self.watch), 2 * overlap / max(sizes, 1)

    @property
    def _size(self) -> int:
        return self.settings.batch_images

    def _logits(self, network: "nn.Module", images: "Tensor") -> "Tensor":
        return compute_logits(network, images.to(self.settings.device), self.settings.precision)


def _fetch(samples: Samples, chosen: NDArray[np.intp]) -> "Batch":
    images_nyx, targets_nyx = samples.read(chosen)
    return as_batch(images_nyx), torch.from_numpy(targets_nyx)[:, None].float()


def _loss(name: str) -> Any:
    if name == "bce":
        return torch.nn.BCEWithLogitsLoss()
    return DiceCELoss(sigmoid=True, batch=True)
