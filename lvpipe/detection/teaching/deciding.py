"""The task of the classifier: is this square the heart's, however the image lies and wherever the cycle starts."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.detect import ClassifierSettings
from lvpipe.detection.lessons import MOMENTS
from lvpipe.detection.patches import standardise
from lvpipe.detection.teaching.examples import Examples
from lvpipe.detection.teaching.turning import change
from lvpipe.learning.batches import WHITE
from lvpipe.learning.sampled import Judged, SampledTask
from lvpipe.networks.roi_cnn import SIDE, RoiCnn

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_NOISE_SHARE = 0.06
"""Share of the examples that are nothing but noise, and wrong: images of hearts do not teach what noise is not."""

_GREY, _NOISE_SD = 128.0, 40.0
"""Of that noise in 0..255, before it is standardised: little of it is cut off at either end."""

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
        noisy = torch.rand(len(right), generator=self.random) < _NOISE_SHARE
        changed[noisy], right[noisy] = _noise(int(noisy.sum()), self.random), 0
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


def _noise(n: int, random: torch.Generator) -> "Tensor":
    """Noise as patches; half of it the same in all frames, half of it smooth."""
    noise = torch.randn(n, MOMENTS, SIDE, SIDE, generator=random)
    still, smooth = (torch.rand(2, n, generator=random) < 0.5)[:, :, None, None, None]
    noise = torch.where(still, noise[:, :1], noise)
    blurred = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) * 3
    return (_GREY + _NOISE_SD * torch.where(smooth, blurred, noise)).clamp(0, WHITE)
