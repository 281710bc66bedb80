"""ejection.csv: what a heart ejects, in mL and as a share, with the doubt that its two volumes leave."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecasting.forecasts import KINDS, forecast_id
from lvpipe.forecasting.joint import EF_CUTS_PERCENT, Weighted, correlation, join
from lvpipe.tables import SheetRow

PERCENTILES: Final = (5, 10, 25, 50, 75, 90, 95)
"""The ends of the central 50, 80 and 90 %, and the middle."""

CLASSES: Final = (
    f"p_ef_below_{EF_CUTS_PERCENT[0]}",
    *(f"p_ef_{low}_{high}" for low, high in pairwise(EF_CUTS_PERCENT)),
    f"p_ef_from_{EF_CUTS_PERCENT[-1]}",
)
"""Columns of the probabilities of the classes of EF; a class begins at its lower cut."""

EJECTION: Final = (
    *("case", "correlation"),
    *("ef_mean_percent", "ef_sd_percent", *(f"ef_p{n}_percent" for n in PERCENTILES)),
    *("sv_mean_ml", "sv_sd_ml", *(f"sv_p{n}_ml" for n in PERCENTILES)),
    *CLASSES,
)

_DIGITS = 4
"""What is beyond may differ between machines, and is finer than any score."""

Estimates = Mapping[str, Mapping[str, float]]
"""By `EDV` and `ESV` the estimate of each case that was measured, mL."""


def ejection_rows(
    rows: Sequence[SheetRow], forecasts: Mapping[str, NDArray[Any]], estimates: Estimates, learnt: Sequence[SheetRow]
) -> Iterator[dict[str, object]]:
    """One row a case; how far its two forecasts go together was learnt from `learnt` without its fold."""
    if not rows:
        return
    edv, esv = (np.stack([forecasts[forecast_id(row.case, kind)] for row in rows]) for kind in KINDS)
    together = correlations(rows, estimates, learnt)
    joint = join(edv, esv, together)
    columns: dict[str, Sequence[object]] = {"case": [row.case for row in rows], "correlation": _rounded(together)}
    columns |= _columns("ef", "percent", joint.ef_percent) | _columns("sv", "ml", joint.sv_ml)
    columns |= _classes(joint.ef_percent)
    for cells in zip(*(columns[name] for name in EJECTION), strict=True):
        yield dict(zip(EJECTION, cells, strict=True))


def correlations(rows: Sequence[SheetRow], estimates: Estimates, learnt: Sequence[SheetRow]) -> NDArray[np.float64]:
    """Of each case: that of the errors of both estimates; of one that has not both, that of the volumes themselves.

    Errors are references minus estimates, as they were measured: those of forecasts are correlated alike, but a
    forecast of another fold has learnt from this one.
    """
    folds = {row.held_out for row in rows}
    known = {fold: [row for row in learnt if str(row.fold) != fold] for fold in sorted(folds)}
    seen = {fold: _of_errors(known[fold], estimates) for fold in known}
    unseen = {fold: correlation(*_references(known[fold])) for fold in known}
    both = [all(row.case in estimates[kind] for kind in KINDS) for row in rows]
    return np.array([(seen if measured else unseen)[row.held_out] for row, measured in zip(rows, both, strict=True)])


def _of_errors(known: Sequence[SheetRow], estimates: Estimates) -> float:
    measured = [row for row in known if all(row.case in estimates[kind] for kind in KINDS)]
    missed = zip(KINDS, _references(measured), strict=True)
    return correlation(*(volumes - [estimates[kind][row.case] for row in measured] for kind, volumes in missed))


def _references(known: Sequence[SheetRow]) -> list[NDArray[np.float64]]:
    return [np.array([row.reference_ml(kind) for row in known], float) for kind in KINDS]


def _columns(word: str, unit: str, found: Weighted) -> dict[str, list[float]]:
    quantiles = {f"{word}_p{n}_{unit}": _rounded(found.quantile(n / 100)) for n in PERCENTILES}
    return {f"{word}_mean_{unit}": _rounded(found.mean), f"{word}_sd_{unit}": _rounded(found.sd)} | quantiles


def _classes(found: Weighted) -> dict[str, list[float]]:
    """What is left of 1 for the last class, so that the rounded ones add up."""
    below = [np.zeros_like(found.mean), *(np.round(found.below(cut), _DIGITS) for cut in EF_CUTS_PERCENT)]
    shares = np.diff([*below, np.ones_like(below[0])], axis=0)
    return {name: _rounded(share) for name, share in zip(CLASSES, shares, strict=True)}


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in np.round(values, _DIGITS)]
