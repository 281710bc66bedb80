"""The fitter in use: squares moved and sized to the heart that they nearly show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.network_job import NetworkJob
from lvpipe.detection.patches import Cutters, standardise
from lvpipe.learning.batches import compute
from lvpipe.squares import Squares

if TYPE_CHECKING:
    from torch import nn

CONTEXT = 1.4
"""What it sees, as a multiple of the square's side: a heart that the square cuts off is still in sight."""

_TIMES = 3
"""How often a square is fitted: after the third time it hardly moves."""


class Fitter:
    """The networks of some folds, applied to squares of one study."""

    def __init__(self, networks: "Sequence[nn.Module]", cutters: Cutters, job: NetworkJob) -> None:
        self._networks, self._cutters, self._job = networks, cutters, job

    def fit(self, guesses: Sequence[tuple[int, NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
        """For each slice's square, the one that it should be."""
        slices, squares = [z for z, _ in guesses], np.stack([square for _, square in guesses])
        with torch.inference_mode():
            for _ in range(_TIMES):
                squares = corrected(squares, self._corrections(slices, squares))
        return list(squares)

    def _corrections(self, slices: Sequence[int], squares: Squares) -> NDArray[np.float64]:
        wide = widened(squares)
        patches = torch.cat([self._cutters.cut(z, wide[i : i + 1]) for i, z in enumerate(slices)])
        ready = standardise(patches.to(self._job.device))
        found = [compute(network, ready, self._job.precision) for network in self._networks]
        return np.asarray(torch.stack(found).mean(dim=0).cpu().numpy(), np.float64)


def widened(squares: Squares) -> Squares:
    """What the fitter sees of squares."""
    return np.asarray(squares * np.array([1, 1, CONTEXT]))


def corrections_to(squares: Squares, wanted: NDArray[Any]) -> NDArray[np.float64]:
    """What is to be changed of squares, so that they become another one: shares of their sides, and a logarithm."""
    shifts = (wanted[:2] - squares[:, :2]) / squares[:, 2:]
    return np.column_stack([shifts, np.log(wanted[2] / squares[:, 2])])


def corrected(squares: Squares, corrections: NDArray[np.float64]) -> Squares:
    """The squares with these changes."""
    sides = squares[:, 2:]
    return np.column_stack([squares[:, :2] + sides * corrections[:, :2], sides * np.exp(corrections[:, 2:])])
