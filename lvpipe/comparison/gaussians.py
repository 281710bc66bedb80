"""The CRPS of Gaussian forecasts by their error d and their spread sigma (Liao et al., figures 9a and 10), computed.

The paper's rule and Kaggle's differ in where the reference's step begins: above the reference, or at it. Which of the
two scores a forecast better depends on the sign of its error; the mean over both signs is the same.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecasting.forecasts import gaussian, step
from lvpipe.metrics import crps

Floats = NDArray[np.float64]

_FLOOR_ML: Final = 0.01
"""Smallest spread of a Gaussian, as in the paper."""

GAUSSIAN: Final = "gaussian"
"""What stands in the place of a model."""

MAP: Final = ("model", "d_ml", "sigma_ml", "best", "crps_paper", "crps", "reduction")
EXPECTED: Final = ("model", "sigma_ml", "best", "crps")

SPREAD_ML, MEAN_ML = 10.0, 100.0
"""How far volumes lie from their estimate in figure 10, and the estimate."""

_REFERENCE_ML = 200.0
"""Far from both ends of what forecasts cover."""

_ERRORS_ML, _SIGMAS_ML = range(41), range(51)
"""What the map shows."""

_PARTS = 5
"""Steps of a millilitre in which the best sigma is sought."""

_EXPECTED_ML = np.arange(40, 201) / 10
_SAMPLES, _SEED = 100_000, 2017

_RATIOS = np.linspace(0.6, 2.4, 91)
"""Spreads over the error among which that is sought which suits a case best: far from the ends of what forecasts cover
it is 1.2, by the closed form."""

_SMALLEST_ML = 0.5
"""Errors below this are within the millilitre in which forecasts are stated."""


def map_rows() -> Iterator[dict[str, object]]:
    """Rows of sigma_map.csv: every error and sigma in whole mL, and of every error the best sigma."""
    fine = np.arange(len(_SIGMAS_ML) * _PARTS) / _PARTS
    for d in _ERRORS_ML:
        below, above = (_by_sigma(_REFERENCE_ML + sign * d, fine) for sign in (-1, 1))
        mean = (below + above) / 2
        best = int(np.argmin(mean))
        for place, is_best in [*((whole, 0) for whole in range(0, len(fine), _PARTS)), (best, 1)]:
            reduction = float(1 - mean[place] / mean[0]) if d else None
            # The paper's rule for a mean above the reference is Kaggle's for one below.
            figures = (float(below[place]), float(above[place]), reduction)
            yield dict(zip(MAP, (GAUSSIAN, float(d), float(fine[place]), is_best, *figures), strict=True))


def expected_rows() -> Iterator[dict[str, object]]:
    """Rows of sigma_expected.csv: the mean CRPS by sigma, of volumes that a Gaussian spreads about their estimate."""
    volumes = np.random.default_rng(_SEED).normal(MEAN_ML, SPREAD_ML, _SAMPLES)
    reached, counts = np.unique(np.ceil(volumes), return_counts=True)
    means = [float(np.average(crps(np.tile(one, (len(reached), 1)), reached), weights=counts)) for one in _forecasts()]
    for place, (sigma, mean) in enumerate(zip(_EXPECTED_ML.tolist(), means, strict=True)):
        yield dict(zip(EXPECTED, (GAUSSIAN, sigma, int(place == np.argmin(means)), mean), strict=True))


def best_crps(means_ml: Floats, volumes_ml: Floats) -> Floats:
    """The lowest CRPS that any spread could have had, for each mean and reference."""
    away = np.maximum(np.abs(means_ml - volumes_ml), _SMALLEST_ML)
    tried = (crps(gaussian(means_ml, ratio * away, _FLOOR_ML), volumes_ml) for ratio in _RATIOS)
    return np.asarray(np.minimum.reduce([crps(step(means_ml), volumes_ml), *tried]))


def _forecasts() -> Iterator[Floats]:
    yield from gaussian(np.full(len(_EXPECTED_ML), MEAN_ML), _EXPECTED_ML, _FLOOR_ML)


def _by_sigma(mean_ml: float, sigmas_ml: Floats) -> Floats:
    """The CRPS of forecasts about this mean; without any spread they are steps."""
    means = np.full(len(sigmas_ml), mean_ml)
    forecasts = np.where(sigmas_ml[:, None] > 0, gaussian(means, sigmas_ml, _FLOOR_ML), step(means))
    return crps(forecasts, np.full(len(sigmas_ml), _REFERENCE_ML))
