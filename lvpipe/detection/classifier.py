"""The classifier in use: how sure it is that a square is the heart's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.network_job import NetworkJob
from lvpipe.detection.patches import Cutters, standardise
from lvpipe.learning.batches import compute
from lvpipe.squares import Squares

if TYPE_CHECKING:
    from torch import Tensor, nn

_BATCH = 128
"""Squares at once: what the layers make of them stays in a core's cache, and thousands of them out of memory."""


class Scorer:
    """The networks of some folds, applied to squares of one study."""

    def __init__(self, networks: "Sequence[nn.Module]", cutters: Cutters, job: NetworkJob) -> None:
        self._networks, self._cutters, self._job = networks, cutters, job

    def score(self, places: Sequence[tuple[int, Squares]]) -> list[NDArray[np.float64]]:
        """For each slice's squares `(n, 3)`, the mean probability that they are right, `(n,)`."""
        return [self._of_slice(z, squares) for z, squares in places]

    def _of_slice(self, z: int, squares: Squares) -> NDArray[np.float64]:
        scores = np.empty(len(squares))
        with torch.inference_mode():
            for start in range(0, len(squares), _BATCH):
                patches = self._cutters.cut(z, squares[start : start + _BATCH])
                scores[start : start + _BATCH] = self._right(standardise(patches.to(self._job.device))).numpy()
        return scores

    def _right(self, ready: "Tensor") -> "Tensor":
        logits = [compute(network, ready, self._job.precision) for network in self._networks]
        return torch.stack([each.softmax(dim=1)[:, 1] for each in logits]).mean(dim=0).cpu()
