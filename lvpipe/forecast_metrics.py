"""What a mean CRPS is made of, and whether probabilities are what they say: formula, source, range."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lvpipe.metrics import FORECAST_ML, crps, step_ends

Floats = NDArray[np.float64]

BINS = 10
"""Of histograms and diagrams: tenths, in which a hundred references still show something."""


_DEALS = 4
"""Ways to deal out chance: their reliabilities differ by a few percent."""


class Decomposition(NamedTuple):
    """`crps` = `reliability` - `resolution` + `uncertainty`, each at least 0."""

    crps: float
    reliability: float
    resolution: float
    uncertainty: float


def decompose_crps(forecasts: NDArray[Any], volumes_ml: ArrayLike) -> Decomposition:
    """The mean CRPS by threshold, as what recalibration would gain, what looking gains, and what there is to know.

    At each n the CRPS is the Brier score of P(n) for "at most n mL". Its isotonic recalibration has the score of no
    miscalibration, the share of references the score of having not looked (CORP: Dimitriadis, Gneiting and Jordan
    2021; by thresholds: Arnold, Walz, Ziegel and Gneiting 2024). Exact, but recalibration fits chance as well:
    `chance_reliability` says how much of the reliability that is.
    """
    volumes = np.asarray(volumes_ml, float)
    share = (volumes[:, None] <= FORECAST_ML).mean(axis=0)
    uncertain = share * (1 - share)
    recalibrated = np.zeros(len(FORECAST_ML))
    for n in np.flatnonzero(uncertain):
        recalibrated[n] = _recalibrated_score(forecasts[:, n], volumes <= n)
    score, least, chance = float(crps(forecasts, volumes).mean()), float(recalibrated.mean()), float(uncertain.mean())
    return Decomposition(score, score - least, chance - least, chance)


def chance_reliability(forecasts: NDArray[Any]) -> float:
    """The reliability that as many forecasts would have if all volumes came about just as they say.

    Volumes are the forecasts' own quantiles at evenly spread shares, dealt out to the cases by a fixed shuffle.
    """
    shares = (np.arange(len(forecasts)) + 0.5) / len(forecasts)
    deals = [np.random.default_rng(seed).permutation(shares) for seed in range(_DEALS)]
    volumes = ((np.asarray(forecasts) < deal[:, None]).sum(axis=1) for deal in deals)
    return float(np.mean([decompose_crps(forecasts, one).reliability for one in volumes]))


def pit_counts(forecasts: NDArray[Any], volumes_ml: ArrayLike, bins: int = BINS) -> Floats:
    """The histogram of the probability integral transform, level if calibrated: how many volumes in each bin.

    A volume is shared out evenly over its millilitre's step (Czado, Gneiting and Held 2009): nothing is drawn by lot.
    """
    low, high = step_ends(forecasts, volumes_ml)
    inner = np.arange(1, bins) / bins
    width = np.maximum(high - low, np.finfo(float).tiny)
    below = np.clip((inner - low[:, None]) / width[:, None], 0, 1).sum(axis=0)
    return np.diff(np.concatenate([[0.0], below, [float(len(low))]]))


class Reliability(NamedTuple):
    """By bin of the probability: how many were said, their mean, and the share of them that came true."""

    said: NDArray[np.int64]
    mean: Floats
    came_true: Floats


def reliability(probabilities: NDArray[Any], came_true: NDArray[Any], bins: int = BINS) -> Reliability:
    """The reliability diagram of probabilities of anything (Murphy and Winkler 1977); NaN in empty bins."""
    places = np.minimum((probabilities.ravel() * bins).astype(int), bins - 1)
    said = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, values.ravel(), minlength=bins) for values in (probabilities, came_true))
    mean, seen = (np.divide(total, said, out=np.full(bins, np.nan), where=said > 0) for total in sums)
    return Reliability(said, mean, seen)


def brier(probabilities: NDArray[Any], came_true: NDArray[Any]) -> Floats:
    """(p - o)^2 of single probabilities (Brier 1950); 0 (sure and right) to 1."""
    return np.asarray((np.asarray(probabilities, float) - came_true) ** 2)


def wilson(share: ArrayLike, count: ArrayLike) -> tuple[Floats, Floats]:
    """The 95 % interval of a share among `count` (Wilson 1927): honest for few, and where the share is 0 or 1."""
    p, n, z = np.asarray(share, float), np.asarray(count, float), 1.959964
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _recalibrated_score(said: NDArray[Any], came_true: NDArray[np.bool_]) -> float:
    """The Brier score of the best probabilities that rise with those that were said; equal ones stay equal."""
    from scipy.optimize import isotonic_regression

    _, place, counts = np.unique(said, return_inverse=True, return_counts=True)
    shares = np.bincount(place, came_true) / counts
    best = isotonic_regression(shares, weights=counts).x
    # In each of its blocks the fitted value is the share that came true, so that p (1 - p) is the block's score.
    return float((counts * best * (1 - best)).sum() / len(said))
