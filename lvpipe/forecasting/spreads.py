"""Forecasts as wide as the model itself says, times a factor that out-of-fold volumes choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.forecasting.forecasters import Estimate
from lvpipe.forecasting.forecasts import choose_beta, gaussian
from lvpipe.forecasting.lines import Lines, fit_known, line_of, lines_by_fold, summarise
from lvpipe.tables import SheetRow

_FACTOR_UNKNOWN = 1.0
"""Without reference volumes nothing can be chosen: the model is taken at its word."""


@dataclass(frozen=True)
class Spread:
    """`spread`: the mean by the straight line of `linear`, the standard deviation the model's own times a factor."""

    lines: Lines
    factor: float
    cases: int
    floor_ml: float

    def forecast(self, cases: Mapping[SheetRow, Estimate], /) -> NDArray[np.float64]:
        """The distribution functions of one volume of these cases."""
        means = np.array([_mean(self.lines, row, estimate) for row, estimate in cases.items()])
        sigmas = np.array([self.factor * estimate.sd_ml for estimate in cases.values()])
        return gaussian(means, sigmas, self.floor_ml)

    def summary(self) -> Mapping[str, object]:
        """The factor, the cases that chose it, and every line."""
        return {"factor": self.factor, "cases": self.cases, **summarise(self.lines)}


def fit_spread(
    kind: str, learnt: Sequence[SheetRow], estimates: Mapping[str, Estimate], settings: CalibrateSettings
) -> Spread:
    """Lines and factor from the cases that have both an out-of-fold estimate and a reference."""
    raw = {case: estimate.volume_ml for case, estimate in estimates.items()}
    lines = lines_by_fold(learnt, lambda rows: fit_known(raw, {row.case: row.reference_ml(kind) for row in rows}))
    known = [row for row in learnt if row.case in estimates and np.isfinite(row.reference_ml(kind))]
    if not known:
        return Spread(lines, _FACTOR_UNKNOWN, 0, settings.sigma_floor_ml)
    means = np.array([_mean(lines, row, estimates[row.case]) for row in known])
    sds = np.array([estimates[row.case].sd_ml for row in known])
    volumes = np.array([row.reference_ml(kind) for row in known])
    squares = [factor**2 for factor in settings.factors]
    chosen = squares.index(choose_beta(means, sds, volumes, squares, settings.sigma_floor_ml))
    return Spread(lines, settings.factors[chosen], len(known), settings.sigma_floor_ml)


def _mean(lines: Lines, row: SheetRow, estimate: Estimate) -> float:
    """By the line that was learnt without this case's fold; the estimate as it is where too few are known."""
    line = line_of(lines, row)
    return line.mean_ml(estimate.volume_ml) if line is not None else estimate.volume_ml
