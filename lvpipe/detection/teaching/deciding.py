"""The task of the classifier: is this square the heart's, however the image lies and wherever the cycle starts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.detect import ClassifierSettings
from lvpipe.detection.patches import standardise
from lvpipe.detection.teaching.examples import Examples
from lvpipe.detection.teaching.turning import change
from lvpipe.learning.batches import compute
from lvpipe.networks.roi_cnn import FRAMES, SIDE, RoiCnn

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_NOISE_SHARE = 0.06
"""Share of the examples that are nothing but noise, and wrong: images of hearts do not teach what noise is not."""

_GREY, _NOISE_SD = 128.0, 40.0

_CHUNK = 1000
"""Examples that are averaged at once."""


def fresh_network(learn: Examples) -> RoiCnn:
    """A network with fresh weights that knows what the training squares look like on average."""
    network = RoiCnn()
    for start in range(0, len(learn), _CHUNK):
        ready = standardise(torch.from_numpy(learn.images_ncyx[start : start + _CHUNK]).float())
        network.mean += ready.sum(dim=0) / len(learn)
    return network


class Deciding:
    """Squares, each with how right it is: 0 at `wrong_iou` and below, 1 at `right_iou` and above, between them linear.

    A step at one threshold would make all squares alike that pass it, and the best of them would lie anywhere.
    """

    score = "accuracy"

    def __init__(self, learn: Examples, watch: Examples, settings: ClassifierSettings) -> None:
        self.learn, self.watch, self.settings = learn, watch, settings
        self.images = min(len(learn), settings.epoch_images)
        self.random = torch.Generator().manual_seed(settings.seed)
        right = float(self._rightness(learn.targets).mean())
        self.weights = torch.tensor([0.5 / max(1 - right, 0.01), 0.5 / max(right, 0.01)], device=settings.device)

    def batches(self, order: np.random.Generator) -> "Iterator[Batch]":
        """The examples of one epoch, in the order of a fresh draw."""
        chosen = order.permutation(len(self.learn))[: self.images]
        parts = np.array_split(chosen, -(-self.images // self.settings.batch_images))
        return (self._fetch(self.learn, np.sort(some)) for some in parts)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """Cross-entropy of a batch that is turned, rolled, reversed and changed in contrast at random."""
        patches, right = batch
        changed, _ = change(patches, self.random)
        noisy = torch.rand(len(right), generator=self.random) < _NOISE_SHARE
        changed[noisy], right[noisy] = _noise(int(noisy.sum()), self.random), 0
        return self._cross_entropy(self._logits(network, changed), right)

    def evaluate(self, network: "nn.Module") -> tuple[float, float]:
        """Mean loss, and the share that is on the right side of one half."""
        loss, hits, size = 0.0, 0, self.settings.batch_images
        for start in range(0, len(self.watch), size):
            patches, right = self._fetch(self.watch, np.arange(start, min(start + size, len(self.watch))))
            logits = self._logits(network, patches)
            loss += float(self._cross_entropy(logits, right)) * len(right)
            hits += int(((logits[:, 1] > logits[:, 0]).cpu() == (right > 0.5)).sum())
        return loss / len(self.watch), hits / len(self.watch)

    def _logits(self, network: "nn.Module", patches: "Tensor") -> "Tensor":
        return compute(network, standardise(patches.to(self.settings.device)), self.settings.precision)

    def _cross_entropy(self, logits: "Tensor", right: "Tensor") -> "Tensor":
        both = torch.stack([1 - right, right], dim=1).to(logits.device)
        return torch.nn.functional.cross_entropy(logits, both, self.weights)

    def _rightness(self, overlaps: NDArray[np.float32]) -> NDArray[np.float32]:
        low, high = self.settings.wrong_iou, self.settings.right_iou
        return np.asarray(np.clip((overlaps - low) / (high - low), 0, 1))

    def _fetch(self, examples: Examples, chosen: NDArray[np.intp]) -> "Batch":
        right = torch.from_numpy(self._rightness(examples.targets[chosen]))
        return torch.from_numpy(examples.images_ncyx[chosen]).float(), right


def _noise(n: int, random: torch.Generator) -> "Tensor":
    """Noise as patches; half of it the same in all frames, half of it smooth."""
    noise = torch.randn(n, FRAMES, SIDE, SIDE, generator=random)
    still, smooth = (torch.rand(2, n, generator=random) < 0.5)[:, :, None, None, None]
    noise = torch.where(still, noise[:, :1], noise)
    blurred = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) * 3
    return (_GREY + _NOISE_SD * torch.where(smooth, blurred, noise)).clamp(0, 255)
