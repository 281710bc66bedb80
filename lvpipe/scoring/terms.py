"""What every figure of a forecast is the mean of: a value a case, so that cases can be drawn, paired and grouped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.cases import LEARNT_FROM
from lvpipe.forecast_metrics import brier
from lvpipe.forecasting.ejection import CLASSES
from lvpipe.forecasting.joint import EF_CUTS_PERCENT
from lvpipe.metrics import covers, crps, moments_ml
from lvpipe.scoring.volumes import Entry, Scored
from lvpipe.tables import SheetRow, number

Floats = NDArray[np.float64]
Ejections = Mapping[str, Mapping[str, str]]
"""Rows of ejection.csv by case."""

INTERVALS: Final = (50, 80, 90)
"""Central intervals of which the coverage is told, percent."""

_NEAR_ML, _NEAR_SHARE = 10.0, 0.1
"""What the organisers of the Data Science Bowl counted as near: 10 mL, or 10 % of the volume."""


@dataclass(frozen=True)
class Terms:
    """Of one name, cohort, split and volume: the cases, and by figure the value that each adds to it."""

    name: str
    cohort: str
    split: str
    volume: str
    rows: tuple[SheetRow, ...]
    values: Mapping[str, Floats]
    forecasts: Floats
    """The point that each forecast stands for: its mean."""

    own: bool = False

    @property
    def cases(self) -> int:
        """How many there are; of both volumes together a case counts once."""
        return len({row.case for row in self.rows})

    def matrix(self) -> Floats:
        """One row a value, one column a figure."""
        return np.column_stack(list(self.values.values()))


def finish(figure: str, means: Floats) -> Floats:
    """From the mean of a figure's terms to the figure: those of an RMSE are squares."""
    return np.sqrt(means) if figure.startswith("rmse") else means


def with_joined(found: Sequence[Entry]) -> Iterator[Entry]:
    """These, and of whoever was forecast out of fold in two splits of a cohort both together."""
    yield from found
    known = {(entry.name, entry.cohort, entry.split): entry for entry in found}
    first, second = LEARNT_FROM
    for name, cohort, split in known:
        if split == first and (name, cohort, second) in known:
            yield known[name, cohort, first].and_also(known[name, cohort, second])


def terms_of(entry: Entry, ejections: Ejections) -> Iterator[Terms]:
    """Of each volume, of both, and of a model's own forecasts of EF and stroke volume."""
    parts = [_of_volume(entry, part) for part in entry.parts]
    yield from parts
    yield _together(parts)
    if entry.own:
        yield from _of_ejections(entry, ejections)


def _of_volume(entry: Entry, part: Scored) -> Terms:
    references, means = part.references_ml, moments_ml(part.forecasts)[0]
    values = {"crps": crps(part.forecasts, references)} | _errors(means, references, "ml")
    missed = np.abs(means - references)
    values["within_10_ml"] = np.asarray(missed <= _NEAR_ML, float)
    values["within_10_percent"] = np.asarray(missed <= _NEAR_SHARE * references, float)
    values |= {f"coverage_{n}": covers(part.forecasts, references, n / 100).astype(float) for n in INTERVALS}
    return Terms(entry.name, entry.cohort, entry.split, part.kind, part.rows, values, means, entry.own)


def _together(parts: Sequence[Terms]) -> Terms:
    first = parts[0]
    values = {figure: np.concatenate([part.values[figure] for part in parts]) for figure in first.values}
    rows = tuple(row for part in parts for row in part.rows)
    forecasts = np.concatenate([part.forecasts for part in parts])
    return Terms(first.name, first.cohort, first.split, "both", rows, values, forecasts, first.own)


def _of_ejections(entry: Entry, ejections: Ejections) -> Iterator[Terms]:
    measured = {row.case for row in entry.parts[-1].rows}
    rows = tuple(row for row in entry.parts[0].rows if row.case in measured and row.case in ejections)
    told = [ejections[row.case] for row in rows]
    strokes, shares = (np.array([f(row) for row in rows], float) for f in (stroke_ml, ejected_percent))
    for volume, word, unit, references in (("EF", "ef", "percent", shares), ("SV", "sv", "ml", strokes)):
        means = _column(told, f"{word}_mean_{unit}")
        values = _errors(means, references, unit)
        for n in INTERVALS:
            low, high = (_column(told, f"{word}_p{end}_{unit}") for end in ((100 - n) // 2, (100 + n) // 2))
            values[f"coverage_{n}"] = np.asarray((low <= references) & (references <= high), float)
        if volume == "EF":
            values |= _classes(told, references)
        yield Terms(entry.name, entry.cohort, entry.split, volume, rows, values, means, entry.own)


def _errors(means: Floats, references: Floats, unit: str) -> dict[str, Floats]:
    errors = means - references
    return {f"rmse_{unit}": errors**2, f"mae_{unit}": np.abs(errors), f"bias_{unit}": errors}


def _classes(told: Sequence[Mapping[str, str]], references: Floats) -> dict[str, Floats]:
    """Brier scores of EF below each cut, and the ranked probability score: their mean (Epstein 1969)."""
    scores = brier(below_cuts(told), references[:, None] < EF_CUTS_PERCENT)
    single = {f"brier_{cut}": scores[:, place] for place, cut in enumerate(EF_CUTS_PERCENT)}
    return {"rps": scores.mean(axis=1)} | single


def below_cuts(told: Sequence[Mapping[str, str]]) -> Floats:
    """The probabilities of an EF below each cut, `(cases, cuts)`."""
    classes = [_column(told, name) for name in CLASSES[:-1]]
    return np.reshape(np.cumsum(classes, axis=0).T, (len(told), len(EF_CUTS_PERCENT)))


def stroke_ml(row: SheetRow) -> float:
    """The reference stroke volume."""
    return row.edv_ml - row.esv_ml


def ejected_percent(row: SheetRow) -> float:
    """The reference EF; NaN of a ventricle that holds nothing."""
    return 100 * (row.edv_ml - row.esv_ml) / row.edv_ml if row.edv_ml else float("nan")


def _column(told: Sequence[Mapping[str, str]], name: str) -> Floats:
    return np.array([number(row[name]) for row in told], float)
