"""ejection.csv: what a heart ejects, in mL and as a share, with the doubt that its two volumes leave."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Protocol, runtime_checkable

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

Misses = Mapping[str, Mapping[str, float]]
"""By what is held out (a fold, or `all` for none) and by case, of the cases outside it, where a reference lies against
what was said of it: anything that grows with the reference will do, since ranks alone count."""


@runtime_checkable
class Nested(Protocol):
    """A forecaster that has also forecast, without each fold, all who are outside it."""

    @property
    def misses(self) -> Misses:
        """Where their references lie in those forecasts."""


def ejection_rows(
    rows: Sequence[SheetRow],
    forecasts: Mapping[str, NDArray[Any]],
    misses: Mapping[str, Misses],
    seen: Collection[str],
    learnt: Sequence[SheetRow],
) -> Iterator[dict[str, object]]:
    """One row a case; how far its two forecasts go together was learnt from `learnt` without its fold."""
    if not rows:
        return
    edv, esv = (np.stack([forecasts[forecast_id(row.case, kind)] for row in rows]) for kind in KINDS)
    together = correlations(rows, misses, seen, learnt)
    joint = join(edv, esv, together)
    columns: dict[str, Sequence[object]] = {"case": [row.case for row in rows], "correlation": _rounded(together)}
    columns |= _columns("ef", "percent", joint.ef_percent) | _columns("sv", "ml", joint.sv_ml)
    columns |= _classes(joint.ef_percent)
    for cells in zip(*(columns[name] for name in EJECTION), strict=True):
        yield dict(zip(EJECTION, cells, strict=True))


def correlations(
    rows: Sequence[SheetRow], misses: Mapping[str, Misses], seen: Collection[str], learnt: Sequence[SheetRow]
) -> NDArray[np.float64]:
    """Of each case: that of the misses of both volumes; of one that was not `seen`, that of the volumes themselves."""
    folds = sorted({_held_out(row, misses) for row in rows})
    known = {fold: [row for row in learnt if str(row.fold) != fold] for fold in folds}
    of_seen = {fold: _of_misses(*(misses[kind][fold] for kind in KINDS)) for fold in folds}
    of_unseen = {fold: correlation(*_references(known[fold])) for fold in folds}
    keys = [_held_out(row, misses) for row in rows]
    return np.array([(of_seen if row.case in seen else of_unseen)[key] for row, key in zip(rows, keys, strict=True)])


def misses_ml(estimates_ml: Mapping[str, float], references_ml: Mapping[str, float]) -> dict[str, float]:
    """References minus estimates, of those that have both."""
    missed = {case: references_ml[case] - estimate for case, estimate in estimates_ml.items() if case in references_ml}
    return {case: ml for case, ml in missed.items() if np.isfinite(ml)}


def _held_out(row: SheetRow, misses: Mapping[str, Misses]) -> str:
    """A fold of which nothing is known is held out of everything."""
    return row.held_out if all(row.held_out in misses[kind] for kind in KINDS) else "all"


def _of_misses(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    cases = [case for case in first if case in second]
    return correlation(*(np.array([missed[case] for case in cases]) for missed in (first, second)))


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
