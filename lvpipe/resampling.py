"""How sure a figure is: the bootstrap by patient, with the same draws for all that is compared (Efron 1979)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEED = 0
"""Any number would do; with this one the same tables have the same intervals."""

_DRAWS = 2000
"""Resamples: the ends of a 95 % interval then wander by about a sixtieth of its width."""

_INTERVAL_PERCENT = 2.5, 97.5

FEWEST = 10
"""Fewer patients than this tell nothing about how much others would differ: their intervals are blank."""

_DIGITS = 7
"""Of an interval's ends: what is beyond may differ between machines that add in another order."""


class Resampling:
    """Draws of patients with replacement; whoever has several cases brings all of them."""

    def __init__(self, patients: Sequence[str]) -> None:
        names, self._place = np.unique(np.asarray(patients, str), return_inverse=True)
        self._enough = len(names) >= FEWEST
        drawn = np.random.default_rng(_SEED).integers(max(len(names), 1), size=(_DRAWS, len(names)))
        rows = np.arange(_DRAWS)[:, None] * len(names)
        self._times = np.bincount((drawn + rows).ravel(), minlength=_DRAWS * len(names)).reshape(_DRAWS, -1)

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The mean of each column of `values`, one row a case, in each draw: `(draws, columns)`."""
        ones = np.column_stack([np.ones(len(values)), values])
        sums = np.zeros((self._times.shape[1], ones.shape[1]))
        np.add.at(sums, self._place, ones)
        totals = self._times @ sums
        return np.asarray(totals[:, 1:] / totals[:, :1])

    def interval(self, drawn: NDArray[Any]) -> NDArray[np.float64]:
        """The ends of the central 95 % of each column, `(2, columns)`; NaN of too few patients."""
        if not self._enough:
            return np.full((2, drawn.shape[1]), np.nan)
        return np.asarray(np.round(np.percentile(drawn, _INTERVAL_PERCENT, axis=0), _DIGITS))
