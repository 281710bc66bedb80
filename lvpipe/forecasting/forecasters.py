"""Ways from an estimate to a forecast, one small class each, learnt from cases that have both and a reference."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.forecasting.forecasts import AreaErrors, Slices, choose_beta, gaussian, sigma_hat_ml, step
from lvpipe.forecasting.lines import Line, Lines, line_of, summarise
from lvpipe.metrics import FORECAST_ML
from lvpipe.tables import SheetRow

_BETA_UNKNOWN = 1.0
"""Without reference volumes nothing can be chosen: the variance stays as the area pairs have it."""

_SPREAD_UNKNOWN = 0.15
"""Of a volume, where there are no references: two good networks err by 9 % (EDV) and 19 to 24 % (ESV) on Kaggle."""


@dataclass(frozen=True)
class Estimate:
    """A case's point estimate of one volume and the slices that it came from, where these lie in boxes.

    `sd_ml` is the spread that the model itself gives it.
    """

    volume_ml: float
    slices: Slices | None = None
    sd_ml: float = float("nan")


@dataclass(frozen=True)
class Calibrator:
    """What is learnt for one volume: a scale of the estimates and the factor of the variance."""

    scale: float
    beta: float
    cases: int


def fit(
    estimates: Mapping[str, Estimate],
    references: Mapping[str, float],
    errors: AreaErrors | None,
    settings: CalibrateSettings,
) -> Calibrator:
    """Learn from the cases that have both an out-of-fold estimate and a reference."""
    known = sorted(case for case in references if case in estimates and np.isfinite(references[case]))
    if not known:
        return Calibrator(1.0, _BETA_UNKNOWN, 0)
    volumes = np.array([references[case] for case in known])
    raw = np.array([estimates[case].volume_ml for case in known])
    scale = float(np.median(volumes / raw)) if settings.shift == "scale" else 1.0
    if errors is None:
        return Calibrator(scale, 0.0, len(known))
    sigmas = np.array([_sigma_hat(estimates[case], errors) for case in known])
    beta = choose_beta(scale * raw, scale * sigmas, volumes, settings.betas, settings.sigma_floor_ml)
    return Calibrator(scale, beta, len(known))


def predict(
    estimate: Estimate, calibrator: Calibrator, errors: AreaErrors | None, settings: CalibrateSettings
) -> NDArray[np.float64]:
    """The forecast of one volume."""
    mean = np.array([calibrator.scale * estimate.volume_ml])
    if errors is None:
        return np.asarray(step(mean)[0])
    sigma = calibrator.scale * np.sqrt(calibrator.beta) * _sigma_hat(estimate, errors)
    return np.asarray(gaussian(mean, np.array([sigma]), settings.sigma_floor_ml)[0])


class Forecaster(Protocol):
    """A way from an estimate to a distribution."""

    def forecast(self, cases: Mapping[SheetRow, Estimate], /) -> NDArray[np.float64]:
        """The distribution functions of one volume of these cases, `(cases, 600)`."""

    def summary(self) -> Mapping[str, object]:
        """What was learnt, as it stands in the calibrator."""


@dataclass(frozen=True)
class Scaled:
    """`sigma_hat`, or without area errors `step`: the estimate times a scale."""

    calibrator: Calibrator
    errors: AreaErrors | None
    settings: CalibrateSettings

    def forecast(self, cases: Mapping[SheetRow, Estimate], /) -> NDArray[np.float64]:
        """The same for every fold: what it learns are two numbers."""
        return stacked(predict(one, self.calibrator, self.errors, self.settings) for one in cases.values())

    def summary(self) -> Mapping[str, object]:
        """Scale and factor of the variance."""
        known = self.calibrator
        return {"scale": round(known.scale, 6), "beta": known.beta, "cases": known.cases}


@dataclass(frozen=True)
class Linear:
    """`linear`: a straight line through out-of-fold estimates, learnt without the fold of whom it forecasts."""

    lines: Lines
    floor_ml: float

    def forecast(self, cases: Mapping[SheetRow, Estimate], /) -> NDArray[np.float64]:
        """Where nothing could be learnt, the estimate as it is with a spread that is usual."""
        return stacked(self._one(line_of(self.lines, row), estimate.volume_ml) for row, estimate in cases.items())

    def _one(self, line: Line | None, volume_ml: float) -> NDArray[np.float64]:
        if line is not None:
            return line.forecast(volume_ml, self.floor_ml)
        mean = np.array([volume_ml])
        return np.asarray(gaussian(mean, _SPREAD_UNKNOWN * mean, self.floor_ml)[0])

    def summary(self) -> Mapping[str, object]:
        """Every line."""
        return summarise(self.lines)


def stacked(forecasts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """One below the other; none is a table without rows."""
    return np.reshape(list(forecasts), (-1, len(FORECAST_ML)))


def _sigma_hat(estimate: Estimate, errors: AreaErrors) -> float:
    assert estimate.slices is not None  # a model either draws in boxes or is given, and the pairs are the model's own
    return sigma_hat_ml(estimate.slices, errors)
