"""Stroke volume and ejection fraction as distributions: EDV and ESV forecast together, since their errors go together.

A Gaussian copula joins the two forecasts (Nelsen 2006, section 2.3): each keeps its distribution, and one number says
how far both err the same way. It is integrated over fixed points instead of draws, so that the same forecasts give the
same bytes.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from lvpipe.metrics import FORECAST_ML, pearson_r

Floats = NDArray[np.float64]

EF_CUTS_PERCENT: Final = (35, 45, 55, 73)
"""Between the classes of ejection fraction that the organisers of the Data Science Bowl counted."""

UNKNOWN: Final = 0.6
"""Correlation where too few volumes are known: that of the errors of two good networks on Kaggle's studies."""

_FEWEST = 20
"""Fewer pairs than this fix no correlation: that of 20 is known to about 0.2."""

_MOST = 0.99
"""Two forecasts that err exactly alike were never seen; at 1 the copula would have no density."""

_POINTS_LOG2 = 11
"""2048 points: a class's probability is then known to about 0.001, finer than any score."""

_SMALLEST_EDV_ML = 0.5
"""A ventricle of nothing ejects no share of it."""


@dataclass(frozen=True)
class Joint:
    """EDV and ESV of some cases at the same points of their joint forecast, `(cases, points)`, and what these weigh.

    No ESV is larger than its EDV.
    """

    edv_ml: Floats
    esv_ml: Floats
    weights: Floats

    @property
    def sv_ml(self) -> "Weighted":
        """Stroke volumes."""
        return Weighted(self.edv_ml - self.esv_ml, self.weights)

    @property
    def ef_percent(self) -> "Weighted":
        """Ejection fractions, 0 to 100."""
        return Weighted(100 * (1 - self.esv_ml / self.edv_ml), self.weights)


class Weighted:
    """Distributions given by weighted values, one row each."""

    def __init__(self, values: Floats, weights: Floats) -> None:
        order = np.argsort(values, axis=1, kind="stable")
        self._values = np.take_along_axis(values, order, axis=1)
        self._weights = np.take_along_axis(weights, order, axis=1)
        self._weights /= self._weights.sum(axis=1, keepdims=True)

    @property
    def mean(self) -> Floats:
        """The mean of each."""
        return np.asarray((self._weights * self._values).sum(axis=1))

    @property
    def sd(self) -> Floats:
        """The standard deviation of each."""
        away = self._values - self.mean[:, None]
        return np.asarray(np.sqrt((self._weights * away**2).sum(axis=1)))

    def quantile(self, share: float) -> Floats:
        """The first value at which each reaches `share`."""
        reached = self._weights.cumsum(axis=1) >= share
        return np.asarray(self._values[np.arange(len(reached)), reached.argmax(axis=1)])

    def below(self, value: float) -> Floats:
        """The probability that it is less."""
        return np.asarray((self._weights * (self._values < value)).sum(axis=1))


def join(edv_forecasts: NDArray[Any], esv_forecasts: NDArray[Any], correlations: ArrayLike) -> Joint:
    """The joint forecast of each case; pairs with more at end-systole than at end-diastole weigh nothing.

    Where none could be, as of two forecasts without doubt that contradict each other, nothing is ejected.
    """
    first, second = _points()
    rho = np.asarray(correlations, float)[:, None]
    edv = np.maximum(_quantiles(edv_forecasts, ndtr(np.broadcast_to(first, (len(rho), len(first))))), _SMALLEST_EDV_ML)
    esv = _quantiles(esv_forecasts, ndtr(rho * first + np.sqrt(1 - rho**2) * second))
    possible = esv <= edv
    weights = np.where(possible.any(axis=1, keepdims=True), possible, True)
    return Joint(edv, np.minimum(esv, edv), weights.astype(float))


def correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """The copula's correlation: that of the normal scores of ranks (Genest, Ghoudi and Rivest 1995).

    Ranks, so that one study that went wrong counts as the last of all and not as ten standard deviations.
    """
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < _FEWEST:
        return UNKNOWN
    found = pearson_r(_normal_scores(first[known]), _normal_scores(second[known]))
    return float(np.clip(found, -_MOST, _MOST)) if np.isfinite(found) else UNKNOWN


def _normal_scores(values: Floats) -> Floats:
    return np.asarray(ndtri(_ranks(values) / (len(values) + 1)))


def _ranks(values: Floats) -> Floats:
    """From 1 on; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[places]


def _points() -> tuple[Floats, Floats]:
    """Evenly spread points of two independent standard normals (Hammersley 1960)."""
    count = 2**_POINTS_LOG2
    mirrored = [int(f"{k:0{_POINTS_LOG2}b}"[::-1], 2) for k in range(count)]
    return ndtri((np.arange(count) + 0.5) / count), ndtri((np.array(mirrored) + 0.5) / count)


def _quantiles(forecasts: NDArray[Any], shares: Floats) -> Floats:
    """Volumes at which each forecast reaches its shares; a millilitre's step is spread over the millilitre."""
    ends = np.array([FORECAST_ML[0] - 1, *FORECAST_ML, FORECAST_ML[-1] + 1], float)
    steps = np.pad(np.asarray(forecasts, float), ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
    found = [np.interp(wanted, step, ends) for wanted, step in zip(shares, steps, strict=True)]
    return np.maximum(np.reshape(found, shares.shape), 0.0)
