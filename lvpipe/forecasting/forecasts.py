"""Forecasts: a distribution function over 0..599 mL for every volume, how they are made and how they are stored.

`sigma_hat` follows Liao et al.: a volume is a weighted sum of slice areas, so its variance is the weighted sum of the
areas' variances; an area's variance is that of the reference areas of calibration slices which look alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from lvpipe.files import read_table, write_table
from lvpipe.metrics import FORECAST_ML, crps
from lvpipe.tables import SheetRow, learnable
from lvpipe.volumes import slice_weights_ml

_FEWEST_PEERS = 5
"""Fewer volumes than this are no climatology of a cohort."""

KINDS: Mapping[str, str] = {"EDV": "Diastole", "ESV": "Systole"}
"""The two volumes and the challenge's words for them in a forecast's Id."""


@dataclass(frozen=True)
class Slices:
    """The slices of one volume: predicted areas as fractions of their boxes, and the mL that hang on a whole box."""

    fractions: NDArray[np.float64]
    box_ml: NDArray[np.float64]


def slices_of(areas_mm2: NDArray[Any], positions_mm: NDArray[Any], boxes_mm2: NDArray[Any]) -> Slices:
    """What sigma-hat needs of a frame; each slice has a box of its own."""
    return Slices(areas_mm2 / boxes_mm2, slice_weights_ml(positions_mm) * boxes_mm2)


class AreaErrors:
    """Variance of reference area fractions, given the predicted one: the window of section 4.10."""

    def __init__(self, predicted: NDArray[Any], reference: NDArray[Any], window: float, fewest: int) -> None:
        order = np.argsort(predicted, kind="stable")
        self._predicted, self._reference = predicted[order], reference[order]
        self._window, self._fewest = window, min(fewest, len(predicted))

    def variance(self, fractions: NDArray[Any]) -> NDArray[np.float64]:
        """Variance for each fraction; a window with too few pairs widens to the nearest ones."""
        low = np.searchsorted(self._predicted, fractions - self._window, side="left")
        high = np.searchsorted(self._predicted, fractions + self._window, side="right")
        return np.array([self._within(f, a, b) for f, a, b in zip(fractions, low, high, strict=True)])

    def _within(self, fraction: float, low: int, high: int) -> float:
        if high - low >= self._fewest:
            return float(np.var(self._reference[low:high]))
        nearest = np.argsort(np.abs(self._predicted - fraction), kind="stable")[: self._fewest]
        return float(np.var(self._reference[nearest]))


def sigma_hat_ml(slices: Slices, errors: AreaErrors) -> float:
    """Spread of a volume before beta: the root of the summed variances of its slices."""
    return float(np.sqrt((slices.box_ml**2 * errors.variance(slices.fractions)).sum()))


def gaussian(means_ml: NDArray[Any], sigmas_ml: NDArray[Any], floor_ml: float) -> NDArray[np.float64]:
    """P(n) = Phi((n - mean) / sigma), one row a volume."""
    sigmas = np.maximum(sigmas_ml, floor_ml)[:, None]
    return np.asarray(ndtr((FORECAST_ML - np.asarray(means_ml, float)[:, None]) / sigmas))


def step(volumes_ml: NDArray[Any]) -> NDArray[np.float64]:
    """No doubt at all: 0 below the volume, 1 from it on."""
    return np.asarray(np.asarray(volumes_ml, float)[:, None] <= FORECAST_ML, dtype=float)


def climatology(volumes_ml: NDArray[Any]) -> NDArray[np.float64]:
    """The distribution of all known volumes: what one says without having looked."""
    return np.asarray((np.asarray(volumes_ml, float)[:, None] <= FORECAST_ML).mean(axis=0))


def unseen(row: SheetRow, sheet: Mapping[str, SheetRow], kind: str) -> NDArray[np.float64]:
    """The forecast of a case that was not looked at: the climatology of its cohort's volumes that may be learnt from.

    A cohort with few of them borrows those of all cohorts; where nothing is known, every volume is as likely as any.
    """
    learnt = [peer for peer in learnable(sheet.values()) if np.isfinite(peer.reference_ml(kind))]
    return of_peers([peer.reference_ml(kind) for peer in enough_peers(row, learnt)])


def enough_peers(row: SheetRow, learnt: Sequence[SheetRow], fewest: int = _FEWEST_PEERS) -> list[SheetRow]:
    """Those of the case's own cohort, or all where these are few."""
    peers = [peer for peer in learnt if peer.cohort == row.cohort]
    return peers if len(peers) >= fewest else list(learnt)


def of_peers(volumes_ml: Sequence[float]) -> NDArray[np.float64]:
    """The climatology of these volumes; where there are none, every volume is as likely as any."""
    return climatology(np.array(volumes_ml)) if volumes_ml else np.linspace(1 / 600, 1, 600)


def choose_beta(
    means_ml: NDArray[Any], sigmas_ml: NDArray[Any], volumes_ml: NDArray[Any], betas: Sequence[float], floor_ml: float
) -> float:
    """The factor of the variance with the lowest CRPS on volumes that no model learnt from; ties go to the first."""
    scores = [
        crps(gaussian(means_ml, np.sqrt(beta) * np.asarray(sigmas_ml, float), floor_ml), volumes_ml).mean()
        for beta in betas
    ]
    return float(betas[int(np.argmin(scores))])


def write_forecasts(path: Path, forecasts: Mapping[str, NDArray[Any]]) -> None:
    """Write the challenge's submission format: Id, P0..P599; six digits are finer than any score."""
    columns = ["Id", *(f"P{n}" for n in FORECAST_ML)]
    rows = (
        {"Id": name} | dict(zip(columns[1:], np.round(row, 6).tolist(), strict=True)) for name, row in forecasts.items()
    )
    write_table(path, columns, rows)


def read_forecasts(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read a submission file."""
    return {row.pop("Id"): np.array([float(value) for value in row.values()]) for row in read_table(path)}


def forecast_id(case: str, kind: str) -> str:
    """The Id of a case's EDV or ESV."""
    return f"{case}_{KINDS[kind]}"
