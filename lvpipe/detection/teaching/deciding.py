"""The task of the classifier: is this square the heart's, however the image lies and wherever the cycle starts."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.detect import ClassifierSettings
from lvpipe.detection.patches import standardise
from lvpipe.detection.teaching.examples import Examples
from lvpipe.detection.teaching.turning import change
from lvpipe.learning.sampled import Judged, SampledTask
from lvpipe.networks.roi_cnn import RoiCnn

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_CHUNK = 1000
"""Examples that are averaged at once."""


def fresh_network(learn: Examples) -> RoiCnn:
    """A network with fresh weights that knows what the training squares look like on average."""
    network = RoiCnn()
    for start in range(0, len(learn), _CHUNK):
        ready = standardise(torch.from_numpy(learn.images_ncyx[start : start + _CHUNK]).float())
        network.mean += ready.sum(dim=0) / len(learn)
    return network


class Deciding(SampledTask[Examples]):
    """Squares, each with how right it is: 0 at `wrong_iou` and below, 1 at `right_iou` and above, between them linear.

    A step at one threshold would make all squares alike that pass it, and the best of them would lie anywhere.
    """

    score = "accuracy"

    def __init__(self, learn: Examples, watch: Examples, settings: ClassifierSettings) -> None:
        super().__init__(learn, watch, settings, settings.epoch_images)
        self._low, self._high = settings.wrong_iou, settings.right_iou
        right = float(self._rightness(learn.targets).mean())
        self.weights = torch.tensor([0.5 / max(1 - right, 0.01), 0.5 / max(right, 0.01)], device=settings.device)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """Cross-entropy of a batch that is turned, rolled, reversed and changed in contrast at random."""
        patches, right = batch
        changed, _ = change(patches, self.random)
        return self._cross_entropy(self.apply(network, changed), right)

    def fetch(self, examples: Examples, chosen: NDArray[np.intp]) -> "Batch":
        """Squares in 0..255, and how right each one is."""
        right = torch.from_numpy(self._rightness(examples.targets[chosen]))
        return torch.from_numpy(examples.images_ncyx[chosen]).float(), right

    def standardise(self, images: "Tensor") -> "Tensor":
        """Each frame of a square by itself."""
        return standardise(images)

    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """What is good is on the right side of one half."""
        patches, right = batch
        logits = self.apply(network, patches)
        hits = (logits[:, 1] > logits[:, 0]).cpu() == (right > 0.5)
        return Judged(float(self._cross_entropy(logits, right)), int(hits.sum()), len(hits))

    def _cross_entropy(self, logits: "Tensor", right: "Tensor") -> "Tensor":
        both = torch.stack([1 - right, right], dim=1).to(logits.device)
        return torch.nn.functional.cross_entropy(logits, both, self.weights)

    def _rightness(self, overlaps: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.clip((overlaps - self._low) / (self._high - self._low), 0, 1))
