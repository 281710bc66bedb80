"""The task of drawing the cavity in a slice's window: its batches, its loss, and the Dice of what is watched."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Intensities
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.balancing import draw_balanced, find_blank
from lvpipe.learning.batches import as_batch, scale
from lvpipe.learning.losses import make_loss
from lvpipe.learning.sampled import Judged, SampledTask
from lvpipe.learning.store import Samples

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]


class Segmenting(SampledTask[Samples]):
    """Images with their targets: the cavity against all else."""

    score = "Dice"

    def __init__(
        self, learn: Samples, watch: Samples, settings: TrainSettings, intensities: Intensities = "standard"
    ) -> None:
        super().__init__(learn, watch, settings, settings.epoch_images)
        self.intensities: Intensities = intensities
        self.augment = Augmenter(settings.augmentation, settings.seed)
        self.random = self.augment.random
        self.compare = make_loss(settings)
        self.blank_share = settings.blank_share
        self.blank = None if self.blank_share is None else find_blank(learn)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The loss of a batch, changed at random."""
        changed, drawn = self.augment(*(part.to(self.settings.device) for part in batch))
        return self.compare(self.apply(network, changed), drawn)

    def draw(self, order: np.random.Generator) -> NDArray[np.intp]:
        """Balanced, if that is wanted."""
        if self.blank is None or self.blank_share is None:
            return super().draw(order)
        return draw_balanced(self.blank, self.images, self.blank_share, order)

    def standardise(self, images: "Tensor") -> "Tensor":
        """Images as this network wants them."""
        return scale(images, self.intensities)

    def fetch(self, examples: Samples, chosen: NDArray[np.intp]) -> "Batch":
        """Images in 0..1, and where the cavity is."""
        images_nyx, targets_nyx = examples.read(chosen)
        return as_batch(images_nyx), torch.from_numpy(targets_nyx)[:, None].float()

    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """What is good is counted for Dice."""
        images, targets = batch
        logits = self.apply(network, images).cpu()
        drawn, reference = logits > 0, targets > 0
        common, sizes = int((drawn & reference).sum()), int(drawn.sum() + reference.sum())
        return Judged(float(self.compare(logits, targets)), 2 * common, sizes)
