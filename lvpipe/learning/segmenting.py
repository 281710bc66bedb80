"""The task of drawing in a slice's window: its batches, its loss, and the Dice of what is watched."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Intensities
from lvpipe.labels import Label
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.balancing import draw_balanced, find_blank
from lvpipe.learning.batches import as_batch, scale
from lvpipe.learning.fractions import tell_both
from lvpipe.learning.losses import make_loss
from lvpipe.learning.sampled import Judged, SampledTask
from lvpipe.learning.store import Samples
from lvpipe.learning.targets import split_labels, warp_labels
from lvpipe.networks._area_head import share_of_window

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]


class Segmenting(SampledTask[Samples]):
    """Images with the labels of their pixels; each output tells one label from all else."""

    score = "Dice"

    def __init__(
        self,
        learn: Samples,
        watch: Samples,
        settings: TrainSettings,
        intensities: Intensities = "standard",
        labels: Sequence[Label] = ("cavity",),
        areas_weight: float = 0.0,
    ) -> None:
        super().__init__(learn, watch, settings, settings.epoch_images)
        self.intensities: Intensities = intensities
        self.labels, self.areas_weight = labels, areas_weight
        self.augment = Augmenter(settings.augmentation, settings.seed)
        self.random = self.augment.random
        self.compare = make_loss(settings)
        self.blank_share = settings.blank_share
        self.blank = None if self.blank_share is None else find_blank(learn)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The loss of a batch, changed at random; with a weight of areas, their mean absolute error as well."""
        changed, moved = warp_labels(self.augment, *(part.to(self.settings.device) for part in batch))
        if not self.areas_weight:
            return self._error(self.apply(network, changed), moved)
        logits, areas = tell_both(network, self.standardise(changed), self.settings.precision)
        drawn = share_of_window(split_labels(moved, self.labels[:1])[0])
        return self._error(logits, moved) + self.areas_weight * (areas - drawn).abs().mean()

    def draw(self, order: np.random.Generator) -> NDArray[np.intp]:
        """Balanced, if that is wanted."""
        if self.blank is None or self.blank_share is None:
            return super().draw(order)
        return draw_balanced(self.blank, self.images, self.blank_share, order)

    def standardise(self, images: "Tensor") -> "Tensor":
        """Images as this network wants them."""
        return scale(images, self.intensities)

    def fetch(self, examples: Samples, chosen: NDArray[np.intp]) -> "Batch":
        """Images in 0..1, and the label of every pixel."""
        images_nyx, labels_nyx = examples.read(chosen)
        return as_batch(images_nyx), torch.from_numpy(labels_nyx)[:, None].float()

    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """What is good is counted for the Dice of the first label, the cavity."""
        images, labels = batch
        logits = self.apply(network, images).cpu()
        drawn, reference = logits[:, :1] > 0, split_labels(labels, self.labels[:1])[0] > 0
        common, sizes = int((drawn & reference).sum()), int(drawn.sum() + reference.sum())
        return Judged(float(self._error(logits, labels)), 2 * common, sizes)

    def _error(self, logits: "Tensor", labels: "Tensor") -> "Tensor":
        """Of the pixels that an output's label is known of."""
        return self.compare(logits, *split_labels(labels, self.labels))
