"""The task of the fitter: how far off a square is, and how much too large or too small."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.detect import FitterSettings
from lvpipe.detection.patches import standardise
from lvpipe.detection.teaching.examples import Examples
from lvpipe.detection.teaching.turning import change, turn_shifts
from lvpipe.learning.batches import compute

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_EVEN = 0.02
"""Errors below this share of a side count by their square, larger ones by themselves: a few wrong drawings must not
outweigh all others."""

_NEAR = 0.05
"""A square is fitted whose middle is then off by less than this share of its side: 4 mm of 80."""


class Fitting:
    """Squares about drawn hearts, each with the changes that would put it right."""

    score = "fitted"

    def __init__(self, learn: Examples, watch: Examples, settings: FitterSettings) -> None:
        self.learn, self.watch, self.settings = learn, watch, settings
        self.images = min(len(learn), settings.epoch_images)
        self.random = torch.Generator().manual_seed(settings.seed)

    def batches(self, order: np.random.Generator) -> "Iterator[Batch]":
        """The examples of one epoch, in the order of a fresh draw."""
        chosen = order.permutation(len(self.learn))[: self.images]
        parts = np.array_split(chosen, -(-self.images // self.settings.batch_images))
        return (_fetch(self.learn, np.sort(some)) for some in parts)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The mean error of a batch that is turned, rolled, reversed and changed in contrast at random."""
        patches, wanted = batch
        changed, ways = change(patches, self.random)
        turned = torch.cat([turn_shifts(wanted[:, :2], ways), wanted[:, 2:]], dim=1)
        return _error(self._told(network, changed), turned)

    def evaluate(self, network: "nn.Module") -> tuple[float, float]:
        """Mean error, and the share of squares that are fitted."""
        loss, fitted, size = 0.0, 0, self.settings.batch_images
        for start in range(0, len(self.watch), size):
            patches, wanted = _fetch(self.watch, np.arange(start, min(start + size, len(self.watch))))
            told = self._told(network, patches).cpu()
            loss += float(_error(told, wanted)) * len(wanted)
            fitted += int(((told - wanted)[:, :2].norm(dim=1) < _NEAR).sum())
        return loss / len(self.watch), fitted / len(self.watch)

    def _told(self, network: "nn.Module", patches: "Tensor") -> "Tensor":
        return compute(network, standardise(patches.to(self.settings.device)), self.settings.precision)


def _error(told: "Tensor", wanted: "Tensor") -> "Tensor":
    return torch.nn.functional.smooth_l1_loss(told, wanted.to(told.device), beta=_EVEN)


def _fetch(examples: Examples, chosen: NDArray[np.intp]) -> "Batch":
    return torch.from_numpy(examples.images_ncyx[chosen]).float(), torch.from_numpy(examples.targets[chosen])
