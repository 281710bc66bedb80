"""Measures of masks and forecasts: formula, source, range, and what empty means."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FORECAST_ML = np.arange(600)
"""The volumes at which a forecast is stated, 0..599 mL, as the Kaggle challenge asked for."""

_ROOT_2, _ROOT_2_OVER_PI, _ROOT_1_OVER_PI = 2**0.5, (2 / np.pi) ** 0.5, np.pi**-0.5


def known_mean(values: ArrayLike) -> float:
    """The mean of what is known; NaN of nothing."""
    known = _known(values)
    return float(known.mean()) if len(known) else float("nan")


def known_median(values: ArrayLike) -> float:
    """The median of what is known; NaN of nothing."""
    known = _known(values)
    return float(np.median(known)) if len(known) else float("nan")


def dice(estimate: NDArray[Any], reference: NDArray[Any]) -> float:
    """2 |A & B| / (|A| + |B|) (Dice 1945), 0..1; NaN where both are empty, since nothing was there to agree on."""
    total = int(estimate.sum()) + int(reference.sum())
    return 2 * int((estimate & reference).sum()) / total if total else float("nan")


def iou(estimate: NDArray[Any], reference: NDArray[Any]) -> float:
    """|A & B| / |A | B| (Jaccard 1901), 0..1; NaN where both are empty."""
    union = int((estimate | reference).sum())
    return int((estimate & reference).sum()) / union if union else float("nan")


def precision(estimate: NDArray[Any], reference: NDArray[Any]) -> float:
    """|A & B| / |A|: which share of what was drawn is right, 0..1; NaN where nothing was drawn."""
    drawn = int(estimate.sum())
    return int((estimate & reference).sum()) / drawn if drawn else float("nan")


def recall(estimate: NDArray[Any], reference: NDArray[Any]) -> float:
    """|A & B| / |B|: which share of what is there was drawn (sensitivity), 0..1; NaN where nothing is there."""
    return precision(reference, estimate)


def accuracy(estimate: NDArray[Any], reference: NDArray[Any]) -> float:
    """The share of all pixels on which both agree, 0..1, and 1 where both are empty.

    Most pixels of an image are background, so that it is near 1 for an empty mask too, and grows with the image.
    """
    return float((estimate == reference).mean())


def hausdorff95_mm(estimate: NDArray[Any], reference: NDArray[Any], spacing_mm: Sequence[float]) -> float:
    """The larger of the two 95th percentiles of surface distances (Huttenlocher 1993), in mm.

    A surface pixel belongs to the mask and touches the outside. NaN where either mask is empty: there is no distance
    to nothing.
    """
    from scipy.ndimage import distance_transform_edt

    if not (estimate.any() and reference.any()):
        return float("nan")
    window = _around(estimate | reference)
    surfaces = [_surface(mask[window]) for mask in (estimate, reference)]
    distances = [distance_transform_edt(~surface, sampling=spacing_mm) for surface in surfaces]
    there = np.percentile(distances[1][surfaces[0]], 95)
    back = np.percentile(distances[0][surfaces[1]], 95)
    return float(max(there, back))


def crps(forecasts: ArrayLike, volumes_ml: ArrayLike) -> NDArray[np.float64]:
    """Mean over n = 0..599 of (P(n) - H(n >= V))^2, as the Kaggle challenge computes it; 0 (sure and right) to 1.

    `forecasts` is `(cases, 600)`, the result one value a case.
    """
    reached = np.asarray(volumes_ml, float)[:, None] <= FORECAST_ML
    return np.asarray(((np.asarray(forecasts, float) - reached) ** 2).mean(axis=1))


def crps_gaussian_ml(error_ml: ArrayLike, sigma_ml: ArrayLike) -> NDArray[np.float64]:
    """The CRPS integral of a Gaussian in closed form, in mL (Gneiting and Raftery 2007): 600 times `crps`."""
    from scipy.special import erf

    sigma = np.asarray(sigma_ml, float)
    z = np.asarray(error_ml, float) / sigma
    return np.asarray(sigma * (z * erf(z / _ROOT_2) + _ROOT_2_OVER_PI * np.exp(-(z**2) / 2) - _ROOT_1_OVER_PI))


def pearson_r(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's correlation, -1..1; NaN for fewer than three pairs or a constant."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def quantile_ml(forecasts: NDArray[Any], share: float) -> NDArray[np.float64]:
    """The first volume at which each forecast reaches `share`; 600 where none does."""
    reached = forecasts >= share
    return np.where(reached.any(axis=1), reached.argmax(axis=1), len(FORECAST_ML)).astype(float)


def covers(forecasts: NDArray[Any], volumes_ml: ArrayLike, interval: float = 0.9) -> NDArray[np.bool_]:
    """Whether each volume lies within the central interval of its forecast."""
    reached = pit(forecasts, volumes_ml)
    return np.asarray(np.abs(reached - 0.5) <= interval / 2)


def pit(forecasts: NDArray[Any], volumes_ml: ArrayLike) -> NDArray[np.float64]:
    """The forecast's probability at each volume (mid probability integral transform); uniform if calibrated, 0..1.

    The middle of the step in whose millilitre the volume lies (Czado, Gneiting and Held 2009): a climatology's steps
    are as large as its cases are few, and neither end of a step would be fair.
    """
    low, high = step_ends(forecasts, volumes_ml)
    return (low + high) / 2


def step_ends(forecasts: NDArray[Any], volumes_ml: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The forecast's probability below and at the end of each volume's millilitre; NaN where there is no volume."""
    volumes = np.asarray(volumes_ml, float)
    ends = np.clip(np.ceil(np.nan_to_num(volumes)), 0, FORECAST_ML[-1]).astype(int)
    rows, known = np.arange(len(ends)), np.isfinite(volumes)
    below = np.where(ends > 0, forecasts[rows, np.maximum(ends - 1, 0)], 0.0)
    return np.where(known, below, np.nan), np.where(known, forecasts[rows, ends], np.nan)


def moments_ml(forecasts: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each forecast, from its steps; what lies above 599 mL counts as the next one."""
    ends = np.ones((len(forecasts), 1))
    steps = np.diff(np.concatenate([0 * ends, forecasts, ends], axis=1), axis=1)
    middles = np.append(FORECAST_ML, len(FORECAST_ML)) - 0.5
    mean = steps @ middles
    variance = (steps * (middles - mean[:, None]) ** 2).sum(axis=1)
    return mean, np.sqrt(variance)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array: NDArray[np.float64] = np.asarray(values, float)
    return np.asarray(array[np.isfinite(array)])


def _around(mask: NDArray[Any]) -> tuple[slice, ...]:
    """The smallest window that holds the mask: distances inside it are the same, and far cheaper."""
    return tuple(slice(int(where.min()), int(where.max()) + 1) for where in np.nonzero(mask))


def _surface(mask: NDArray[Any]) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_erosion

    return np.asarray(mask & ~binary_erosion(mask))
