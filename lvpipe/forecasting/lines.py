"""A straight line from an estimate to a volume, with a Gaussian spread that grows with the volume."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecasting.forecasts import gaussian
from lvpipe.tables import SheetRow

_FEWEST = 10
"""Fewer pairs than this fix no line and no spread."""

_DIGITS = 6
"""Of what is learnt: what stands in the calibrator is what forecasts are made of."""

_MEAN_TO_SIGMA = float(np.sqrt(np.pi / 2))
"""A Gaussian's standard deviation over its mean absolute deviation."""


@dataclass(frozen=True)
class Line:
    """Volume = intercept + slope * estimate; sigma = sigma_intercept + sigma_slope * volume, not below `sigma_min`."""

    intercept: float
    slope: float
    sigma_intercept: float
    sigma_slope: float
    sigma_min: float
    cases: int

    def mean_ml(self, estimate: float) -> float:
        """The volume that the line says."""
        return self.intercept + self.slope * estimate

    def moments_ml(self, estimates: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means and spreads of many."""
        means = self.intercept + self.slope * estimates
        return means, np.maximum(self.sigma_intercept + self.sigma_slope * means, self.sigma_min)

    def forecast(self, estimate: float, floor_ml: float) -> NDArray[np.float64]:
        """The distribution function of one volume."""
        return np.asarray(gaussian(*self.moments_ml(np.array([estimate])), floor_ml)[0])

    def summary(self) -> Mapping[str, float]:
        """As it stands in the calibrator."""
        return asdict(self)


Lines = Mapping[str, Line | None]
"""A line for each fold, learnt without it, and one for split test, learnt from all; None where too few are known."""


def fit_line(estimates: NDArray[Any], volumes_ml: NDArray[Any]) -> Line:
    """Least squares for the line, and for the absolute residuals over the fitted volumes.

    The spread neither shrinks with the volume nor falls below that of the smallest volume it was learnt from.
    """
    intercept, slope = _least_squares(estimates, volumes_ml)
    fitted = intercept + slope * estimates
    misses = _MEAN_TO_SIGMA * np.abs(volumes_ml - fitted)
    base, growth = _least_squares(fitted, misses)
    if growth < 0:
        base, growth = float(misses.mean()), 0.0
    spreads = base + growth * fitted
    # A line through misses may reach zero within the hearts that were seen; none was measured without any error.
    least = max(float(spreads.min()), float(misses.mean()) / 4)
    intercept, slope, base, growth, least = (round(value, _DIGITS) for value in (intercept, slope, base, growth, least))
    return Line(intercept, slope, base, growth, least, len(volumes_ml))


def fit_known(estimates: Mapping[str, float], volumes_ml: Mapping[str, float]) -> Line | None:
    """The line through the cases that have both numbers; None where too few have."""
    known = sorted(case for case in volumes_ml if case in estimates and np.isfinite(volumes_ml[case]))
    if len(known) < _FEWEST:
        return None
    return fit_line(*(np.array([numbers[case] for case in known]) for numbers in (estimates, volumes_ml)))


def lines_by_fold(learnt: Sequence[SheetRow], fit: Callable[[Sequence[SheetRow]], Line | None]) -> Lines:
    """What is learnt from all, and without each fold."""
    folds = sorted({row.fold for row in learnt})
    return {"all": fit(learnt)} | {str(fold): fit([row for row in learnt if row.fold != fold]) for fold in folds}


def line_of(lines: Lines, row: SheetRow) -> Line | None:
    """The line that was learnt without this case's fold."""
    return lines.get(row.held_out, lines["all"])


def summarise(lines: Lines) -> Mapping[str, object]:
    """Lines as they stand in the calibrator; null where too few cases are known."""
    return {fold: line and line.summary() for fold, line in lines.items()}


def _least_squares(x: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Intercept and slope; a constant x has no slope."""
    away = x - x.mean()
    spread = float(away @ away)
    slope = float(away @ (y - y.mean())) / spread if spread > 0 else 0.0
    return float(y.mean()) - slope * float(x.mean()), slope
