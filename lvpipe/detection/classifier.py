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
"""Squares at once: what the layers make of them stays in a core's cache."""


class Scorer:
    """The networks of some folds, applied to squares of one study."""

    def __init__(self, networks: "Sequence[nn.Module]", cutters: Cutters, job: NetworkJob) -> None:
        self._networks, self._cutters, self._job = networks, cutters, job

    def score(self, places: Sequence[tuple[int, Squares]]) -> list[NDArray[np.float64]]:
        """For each slice's squares `(n, 3)`, the mean probability that they are right, `(n,)`."""
        patches = torch.cat([self._cutters.cut(z, squares) for z, squares in places])
        ends = np.cumsum([len(squares) for _, squares in places])[:-1]
        with torch.inference_mode():
            batches = [patches[start : start + _BATCH] for start in range(0, max(len(patches), 1), _BATCH)]
            scores = [self._right(standardise(batch.to(self._job.device))) for batch in batches]
        return np.split(torch.cat(scores).double().numpy(), ends)

    def _right(self, ready: "Tensor") -> "Tensor":
        logits = [compute(network, ready, self._job.precision) for network in self._networks]
        return torch.stack([each.softmax(dim=1)[:, 1] for each in logits]).mean(dim=0).cpu()
