"""coverage.csv: how often intervals hold the reference, of all cases and of kinds of cases."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecast_metrics import wilson
from lvpipe.forecasting.joint import EF_CUTS_PERCENT
from lvpipe.scoring.terms import INTERVALS, Terms, ejected_percent

COVERAGE: Final = (
    *("model", "cohort", "split", "volume", "by", "group", "cases"),
    *(f"coverage_{n}" for n in INTERVALS),
    *("coverage_90_low", "coverage_90_high", "crps"),
)

UNKNOWN: Final = "unknown"
_BLANK = float("nan")

_AGES_YEARS = (18, 40, 60)
_SLICES = (9, 10, 11, 12)
_VOLUMES_ML: Mapping[str, Sequence[float]] = {"EDV": (100, 150, 200), "ESV": (40, 60, 80, 120)}
"""Round numbers that leave at least 65 of 700 Kaggle studies in every group."""

Labels = NDArray[np.str_]


def coverage_rows(
    terms: Sequence[Terms], slices: Mapping[str, float], ef_percent: Mapping[str, float]
) -> Iterator[dict[str, object]]:
    """All cases of a model, then each kind; `slices` and `ef_percent` hold its slice counts and its mean forecasts."""
    for one in terms:
        if one.own and one.rows:
            yield _row(one, "all", "all", np.ones(len(one.rows), bool))
            for by, groups, labels in _groupings(one, slices, ef_percent):
                for group in groups:
                    if (labels == group).any():
                        yield _row(one, by, group, labels == group)


def bands(values: Sequence[float] | NDArray[np.float64], cuts: Sequence[float], unit: str) -> tuple[list[str], Labels]:
    """Bands in words, and the one of each value; a band begins at its lower cut, unknown values have their own."""
    words = [f"under {cuts[0]:g} {unit}", *(_band(low, high, unit) for low, high in pairwise(cuts))]
    words += [f"{cuts[-1]:g} {unit} or more", UNKNOWN]
    numbers = np.asarray(values, float)
    return words, np.array(words)[np.where(np.isfinite(numbers), np.digitize(numbers, cuts), len(cuts) + 1)]


def _band(low: float, high: float, unit: str) -> str:
    """Of what is counted, one step is a single number."""
    return f"{low:g} {unit}" if high - low == 1 else f"{low:g} to {high:g} {unit}"


def _groupings(
    terms: Terms, slices: Mapping[str, float], ef_percent: Mapping[str, float]
) -> Iterator[tuple[str, Sequence[str], Labels]]:
    """By what is known beforehand, then by the reference itself, which nobody knows beforehand."""
    rows, cuts_ml = terms.rows, _VOLUMES_ML.get(terms.volume)
    yield "slices", *bands([slices.get(row.case, _BLANK) for row in rows], _SLICES, "slices")
    yield "age", *bands([row.age_years for row in rows], _AGES_YEARS, "years")
    yield "sex", ("F", "M", UNKNOWN), np.array([row.sex or UNKNOWN for row in rows])
    yield "forecast EF", *bands([ef_percent.get(row.case, _BLANK) for row in rows], EF_CUTS_PERCENT, "%")
    if cuts_ml:
        yield "forecast volume", *bands(terms.forecasts, cuts_ml, "mL")
    yield "EF", *bands([ejected_percent(row) for row in rows], EF_CUTS_PERCENT, "%")
    if cuts_ml:
        yield "volume", *bands([row.reference_ml(terms.volume) for row in rows], cuts_ml, "mL")


def _row(terms: Terms, by: str, group: str, chosen: NDArray[np.bool_]) -> dict[str, object]:
    """The interval counts cases: the two volumes of one are not two chances to be right."""
    cases = len({row.case for row, here in zip(terms.rows, chosen, strict=True) if here})
    shares = [float(terms.values[f"coverage_{n}"][chosen].mean()) for n in INTERVALS]
    ends = [float(end) for end in wilson(shares[-1], cases)]
    score = float(terms.values["crps"][chosen].mean()) if "crps" in terms.values else None
    who = (terms.name, terms.cohort, terms.split, terms.volume, by, group)
    return dict(zip(COVERAGE, (*who, cases, *shares, *ends, score), strict=True))
