"""`mixture`: candidates that learn from all that is known of a study, combined; nested cross-validation by patient.

What forecasts the cases of a fold was chosen, tuned, fitted and weighed without that fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecasting.candidates import Candidate, Neighbours, RootLaw, StraightLine
from lvpipe.forecasting.ejection import Misses
from lvpipe.forecasting.forecasters import Estimate
from lvpipe.forecasting.kernels import Kernels
from lvpipe.forecasting.mixtures import Mixture, learn
from lvpipe.forecasting.panels import Panel, without_each
from lvpipe.metrics import FORECAST_ML
from lvpipe.tables import SheetRow

CANDIDATES: tuple[Candidate, ...] = (StraightLine(), RootLaw(), Neighbours(), Kernels())


@dataclass(frozen=True, eq=False)
class Learnt:
    """A mixture, and the models that its estimate is the mean of."""

    leading: tuple[str, ...]
    mixture: Mixture


@dataclass(frozen=True, eq=False)
class Learned:
    """Of one volume: what was learnt from all, and without each fold."""

    kind: str
    panel: Panel
    folds: Mapping[str, Learnt]

    def forecast(self, cases: Mapping[SheetRow, Estimate], /) -> NDArray[np.float64]:
        """Each case by what was learnt without its fold."""
        forecasts = np.empty((len(cases), len(FORECAST_ML)))
        keys = np.array([row.held_out if row.held_out in self.folds else "all" for row in cases])
        for key in np.unique(keys):
            here = keys == key
            rows = [row for row, mine in zip(cases, here, strict=True) if mine]
            learnt = self.folds[str(key)]
            forecasts[here] = learnt.mixture.forecast(self.panel.rows(self.kind, rows, learnt.leading))
        return forecasts

    @property
    def misses(self) -> Misses:
        """For each fold where the volumes of the others lie in forecasts that knew nothing of it."""
        return {fold: one.mixture.inner_pits for fold, one in self.folds.items()}

    def summary(self) -> Mapping[str, object]:
        """Who leads, and how every candidate did and weighs, fold by fold."""
        return {fold: {"leading": one.leading, **one.mixture.summary()} for fold, one in self.folds.items()}


def fit_learned(kind: str, panel: Panel, learnt: Sequence[SheetRow], leading: Mapping[str, tuple[str, ...]]) -> Learned:
    """From all who may be learnt from, and without each fold."""
    groups = without_each(learnt).items()
    known = {fold: panel.known(kind, rows, leading[fold]) for fold, rows in groups}
    return Learned(kind, panel, {fold: Learnt(leading[fold], learn(CANDIDATES, one)) for fold, one in known.items()})
