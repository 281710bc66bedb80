"""Ways from what is known of a case to a forecast of one volume, one small class each.

A candidate learns from known rows; what it has learnt forecasts any rows, as distribution functions at 0..599 mL. Some
make several forecasts of one fit: `names` has one for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from lvpipe.forecasting.forecasts import gaussian
from lvpipe.forecasting.lines import Line, fit_line
from lvpipe.forecasting.panels import Floats, Known, Rows
from lvpipe.metrics import FORECAST_ML


class Fitted(Protocol):
    """What a candidate has learnt."""

    def forecast(self, rows: Rows, /) -> Floats:
        """Distribution functions, `(names, rows, 600)`."""

    def summary(self) -> Mapping[str, object]:
        """What was learnt, as it stands in the calibrator."""


class Candidate(Protocol):
    """A way to learn."""

    @property
    def name(self) -> str:
        """Of the way itself."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of its forecasts."""

    def tuned(self, known: Known, /) -> "Candidate":
        """The same with what is slow to learn learnt from these, for all fits that follow."""

    def fit(self, known: Known, /) -> Fitted:
        """Learn from these."""


@dataclass(frozen=True)
class StraightLine:
    """A line through the estimates, and a spread that grows with the volume."""

    name: str = "linear"
    names: tuple[str, ...] = ("linear",)

    def tuned(self, _: Known, /) -> "StraightLine":
        """Nothing is slow."""
        return self

    def fit(self, known: Known, /) -> "FittedLine":
        """Least squares twice."""
        return FittedLine(fit_line(known.rows.estimates_ml, known.volumes_ml))


@dataclass(frozen=True)
class FittedLine:
    """Of `StraightLine`."""

    line: Line

    def forecast(self, rows: Rows, /) -> Floats:
        """A Gaussian."""
        means, sigmas = self.line.moments_ml(rows.estimates_ml)
        return gaussian(means, sigmas, FLOOR_ML)[None]

    def summary(self) -> Mapping[str, object]:
        """The line."""
        return self.line.summary()


FLOOR_ML = 1.0
"""No forecast is narrower: no two readers agree to a millilitre."""

_ROOT_START = (0.0, 0.06, 3.0)
_ROOT_BOUNDS = ((-0.5, 1.8), (0.01, 0.2), (0.0, 10.0))
"""Of p, a and b: what the winners searched, wider for the spread."""

_ROOT_WIDEST_ML = 25.0


@dataclass(frozen=True)
class RootLaw:
    """The Data Science Bowl's winners' (Woshialex): V' = V - p sqrt(V), sigma = a V' + b up to 25 mL, by the CRPS."""

    name: str = "root"
    names: tuple[str, ...] = ("root",)

    def tuned(self, _: Known, /) -> "RootLaw":
        """Nothing is slow."""
        return self

    def fit(self, known: Known, /) -> "FittedRoot":
        """The three numbers with the least mean CRPS."""

        def score(numbers: Floats) -> float:
            means, sigmas = FittedRoot(*numbers).moments_ml(known.rows.estimates_ml)
            return float(gaussian_crps_ml(known.volumes_ml - means, sigmas).mean())

        found = minimize(score, _ROOT_START, bounds=_ROOT_BOUNDS, method="L-BFGS-B")
        return FittedRoot(*(round(float(number), 4) for number in found.x))


@dataclass(frozen=True)
class FittedRoot:
    """Of `RootLaw`."""

    p: float
    a: float
    b: float

    def moments_ml(self, estimates_ml: Floats) -> tuple[Floats, Floats]:
        """Means and spreads."""
        means = estimates_ml - self.p * np.sqrt(estimates_ml)
        return means, np.clip(self.a * means + self.b, FLOOR_ML, _ROOT_WIDEST_ML)

    def forecast(self, rows: Rows, /) -> Floats:
        """A Gaussian."""
        return gaussian(*self.moments_ml(rows.estimates_ml), FLOOR_ML)[None]

    def summary(self) -> Mapping[str, object]:
        """The three numbers."""
        return {"p": self.p, "a": self.a, "b": self.b}


_NEIGHBOURS = 60
"""On either side, as the third of the Data Science Bowl took (de Wit)."""


@dataclass(frozen=True)
class Neighbours:
    """The misses of the hearts next in size, put about a line: whatever shape they have."""

    name: str = "neighbours"
    names: tuple[str, ...] = ("neighbours",)

    def tuned(self, _: Known, /) -> "Neighbours":
        """Nothing is slow."""
        return self

    def fit(self, known: Known, /) -> "FittedNeighbours":
        """The line, and every miss in spreads of it."""
        line = fit_line(known.rows.estimates_ml, known.volumes_ml)
        order = np.argsort(known.rows.estimates_ml, kind="stable")
        means, sigmas = _moments_ml(line, known.rows.estimates_ml[order])
        return FittedNeighbours(line, known.rows.estimates_ml[order], (known.volumes_ml[order] - means) / sigmas)


@dataclass(frozen=True, eq=False)
class FittedNeighbours:
    """Of `Neighbours`."""

    line: Line
    estimates_ml: Floats
    misses: Floats

    def forecast(self, rows: Rows, /) -> Floats:
        """Steps at each neighbour's miss, of its size here."""
        means, sigmas = _moments_ml(self.line, rows.estimates_ml)
        width = min(2 * _NEIGHBOURS, len(self.misses))
        first = np.searchsorted(self.estimates_ml, rows.estimates_ml) - _NEIGHBOURS
        first = np.clip(first, 0, len(self.misses) - width)
        volumes = means[:, None] + sigmas[:, None] * self.misses[first[:, None] + np.arange(width)]
        steps = [np.searchsorted(np.sort(row), FORECAST_ML, side="right") / width for row in volumes]
        return np.reshape(steps, (1, -1, len(FORECAST_ML)))

    def summary(self) -> Mapping[str, object]:
        """The line; the misses are those of the known cases."""
        return self.line.summary()


def _moments_ml(line: Line, estimates_ml: Floats) -> tuple[Floats, Floats]:
    """Of a line, with spreads that can be divided by: one that meets every volume has none."""
    means, sigmas = line.moments_ml(estimates_ml)
    return means, np.maximum(sigmas, FLOOR_ML)


def gaussian_crps_ml(away_ml: Floats, sigmas_ml: Floats) -> NDArray[np.float64]:
    """The CRPS of Gaussians in mL (Gneiting and Raftery 2007): sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    z = away_ml / sigmas_ml
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(sigmas_ml * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))
