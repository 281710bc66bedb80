"""Which studies look odd, told without their references, and how well that finds the large errors.

A study looks odd if nothing could be measured of it, or if its own forecasts give a large error a greater chance than
they do in nine of ten studies of other patients: for each fold those outside it, for split test all of them. One in ten
is what somebody may look at again. No reference has a say in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.cases import LEARNT_FROM
from lvpipe.metrics import FORECAST_ML, moments_ml
from lvpipe.scoring.volumes import Scored
from lvpipe.tables import SheetRow, of_split

ERROR_ML = 25.0
"""An error of EDV or ESV that changes what is said of a heart: two to three times what good networks err by."""

OUTLIERS: Final = (
    *("model", "cohort", "split", "cases", "large_errors", "outliers", "both"),
    *("precision", "recall", "limit_least", "limit_most"),
)

_LOOKED_AT_AGAIN = 0.1
"""Share of the studies that were measured."""

_LIMIT_UNKNOWN = 0.25
"""Where too few other studies are known: a large error in one of four."""

_FEWEST = 20
"""Fewer studies than this have no tenth."""

_DIGITS = 6
"""Of chances and limits: finer than any forecast is stored."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Outliers:
    """One model's cases in order: the chance of a large error, whether it was one, and who looks odd."""

    rows: Sequence[SheetRow]
    chances: Floats
    errors: Floats
    """1 for a large error, 0 for none, NaN where there is no reference."""

    limits: Mapping[str, float]
    odd: Bools

    def cells(self) -> Iterator[dict[str, object]]:
        """What stands in cases.csv."""
        for chance, odd in zip(self.chances.tolist(), self.odd.tolist(), strict=True):
            yield {"large_error_chance": chance, "outlier": int(odd)}


def find_outliers(parts: Sequence[Scored], fallbacks: Mapping[str, str]) -> Outliers:
    """Who looks odd among all cases of a model; `parts` are its forecasts of EDV and of ESV."""
    rows = parts[0].rows
    chances = np.max([large_error_chances(part.forecasts) for part in parts], axis=0)
    errors = _large_errors(parts)
    unmeasured = np.array([row.case in fallbacks for row in rows])
    limits = _limits(rows, chances, errors, unmeasured)
    beyond = chances > [limits.get(row.held_out, limits["all"]) for row in rows]
    return Outliers(rows, chances, errors, limits, np.asarray(beyond | unmeasured))


def large_error_chances(forecasts: Floats) -> Floats:
    """How likely each volume is to lie more than 25 mL off the mean of its forecast, as the forecast itself has it."""
    means = moments_ml(forecasts)[0]
    below, above = (np.round(means + reach).astype(int) for reach in (-ERROR_ML, ERROR_ML))
    cases = np.arange(len(forecasts))
    lower = np.where(below >= 0, forecasts[cases, np.clip(below, 0, FORECAST_ML[-1])], 0.0)
    upper = np.where(above <= FORECAST_ML[-1], forecasts[cases, np.clip(above, 0, FORECAST_ML[-1])], 1.0)
    return np.asarray(np.round(lower + 1 - upper, _DIGITS))


def outlier_rows(model: str, found: Outliers) -> Iterator[dict[str, object]]:
    """Precision and recall of every cohort and split that has references."""
    known = np.isfinite(found.errors)
    sets = dict.fromkeys((row.cohort, row.split) for row, there in zip(found.rows, known, strict=True) if there)
    for cohort, split in sets:
        here = known & [(row.cohort, row.split) == (cohort, split) for row in found.rows]
        large, odd = found.errors[here] == 1, found.odd[here]
        both, limits = int((large & odd).sum()), [found.limits[row.held_out] for row in _of(found.rows, here)]
        counts = (int(here.sum()), int(large.sum()), int(odd.sum()), both)
        shares = (_share(both, counts[2]), _share(both, counts[1]), min(limits), max(limits))
        yield dict(zip(OUTLIERS, (model, cohort, split, *counts, *shares), strict=True))


def _large_errors(parts: Sequence[Scored]) -> Floats:
    """A case counts with the volumes of which there are references."""
    away = np.array([np.abs(moments_ml(part.forecasts)[0] - part.references_ml) for part in parts])
    known = np.isfinite(away).any(axis=0)
    return np.where(known, (np.nan_to_num(away) > ERROR_ML).any(axis=0), np.nan)


def _limits(rows: Sequence[SheetRow], chances: Floats, errors: Floats, unmeasured: Bools) -> dict[str, float]:
    """For each fold what is learnt without it, and for `all` what is learnt from all who may be learnt from."""
    tested = {row.patient for row in of_split(rows, "test")}
    may = np.array([row.split in LEARNT_FROM and row.patient not in tested for row in rows], bool)
    taught = may & np.isfinite(errors) & ~unmeasured
    folds = np.array([row.fold for row in rows])
    without = {"all": taught} | {str(fold): taught & (folds != fold) for fold in sorted(set(folds.tolist()))}
    return {name: _limit(chances[who]) for name, who in without.items()}


def _limit(chances: Floats) -> float:
    if len(chances) < _FEWEST:
        return _LIMIT_UNKNOWN
    return round(float(np.quantile(chances, 1 - _LOOKED_AT_AGAIN)), _DIGITS)


def _of(rows: Sequence[SheetRow], chosen: Bools) -> list[SheetRow]:
    return [row for row, keep in zip(rows, chosen, strict=True) if keep]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
