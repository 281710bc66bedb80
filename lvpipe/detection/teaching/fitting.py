"""The task of the fitter: how far off a square is, and how much too large or too small."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.detect import FitterSettings
from lvpipe.detection.patches import standardise
from lvpipe.detection.teaching.examples import Examples
from lvpipe.detection.teaching.turning import change, turn_shifts
from lvpipe.learning.sampled import Judged, SampledTask

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

_EVEN = 0.02
"""Errors below this share of a side count by their square, larger ones by themselves: a few wrong drawings must not
outweigh all others."""

_NEAR = 0.05
"""A square is fitted whose middle is then off by less than this share of its side: 4 mm of 80."""


class Fitting(SampledTask[Examples]):
    """Squares about drawn hearts, each with the changes that would put it right."""

    score = "fitted"

    def __init__(self, learn: Examples, watch: Examples, settings: FitterSettings) -> None:
        super().__init__(learn, watch, settings, settings.epoch_images)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The mean error of a batch that is turned, rolled, reversed and changed in contrast at random."""
        patches, wanted = batch
        changed, ways = change(patches, self.random)
        turned = torch.cat([turn_shifts(wanted[:, :2], ways), wanted[:, 2:]], dim=1)
        return _error(self.apply(network, changed), turned)

    def fetch(self, examples: Examples, chosen: NDArray[np.intp]) -> "Batch":
        """Squares in 0..255, and the changes of each one."""
        return torch.from_numpy(examples.images_ncyx[chosen]).float(), torch.from_numpy(examples.targets[chosen])

    def standardise(self, images: "Tensor") -> "Tensor":
        """Each frame of a square by itself."""
        return standardise(images)

    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """What is good is fitted."""
        patches, wanted = batch
        told = self.apply(network, patches).cpu()
        fitted = (told - wanted)[:, :2].norm(dim=1) < _NEAR
        return Judged(float(_error(told, wanted)), int(fitted.sum()), len(fitted))


def _error(told: "Tensor", wanted: "Tensor") -> "Tensor":
    return torch.nn.functional.smooth_l1_loss(told, wanted.to(told.device), beta=_EVEN)
