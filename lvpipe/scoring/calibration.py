"""decomposition.csv, pit.csv and reliability.csv: what a CRPS is made of, and whether doubt is as large as it says."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecast_metrics import BINS, Decomposition, chance_reliability, decompose_crps, pit_counts, reliability
from lvpipe.forecasting.joint import EF_CUTS_PERCENT
from lvpipe.metrics import FORECAST_ML
from lvpipe.scoring.terms import Ejections, below_cuts, ejected_percent
from lvpipe.scoring.volumes import Entry, Scored

_WHO: Final = ("model", "cohort", "split", "volume")
DECOMPOSITION: Final = (*_WHO, "cases", *Decomposition._fields, "reliability_by_chance")
PIT: Final = (*_WHO, "bin_low", "bin_high", "references", "if_calibrated")
RELIABILITY: Final = (*_WHO, "bin_low", "bin_high", "probabilities", "mean_probability", "came_true")

_EDGES: Final = tuple(n / BINS for n in range(BINS + 1))

Row = dict[str, object]


def decomposition_rows(entry: Entry) -> Iterator[Row]:
    """Each volume; both together are the mean of the two, so that the terms still add up."""
    found = [(part, _terms(part)) for part in entry.parts if part.rows]
    for part, terms in found:
        yield _row(entry, part.kind, len(part.rows), terms)
    if found:
        sizes = [len(part.rows) for part, _ in found]
        both = np.average([terms for _, terms in found], axis=0, weights=sizes)
        cases = len({row.case for part, _ in found for row in part.rows})
        yield _row(entry, "both", cases, tuple(map(float, both)))


def pit_rows(entry: Entry) -> Iterator[Row]:
    """Where references fall in their forecasts: each volume, then both together."""
    counts = {part.kind: pit_counts(part.forecasts, part.references_ml) for part in entry.parts}
    for volume, heights in (counts | {"both": np.sum(list(counts.values()), axis=0)}).items():
        level = float(heights.sum()) / BINS
        for place, height in enumerate(heights):
            cells = (*_who(entry, volume), _EDGES[place], _EDGES[place + 1], float(height), level)
            yield dict(zip(PIT, cells, strict=True))


def reliability_rows(entry: Entry, ejections: Ejections) -> Iterator[Row]:
    """Of a volume the probabilities of at most n mL at every n, of EF those of less than each cut between classes."""
    for part in entry.parts:
        came_true = part.references_ml[:, None] <= FORECAST_ML
        yield from _diagram(entry, part.kind, part.forecasts, came_true)
    rows = [row for row in entry.parts[0].rows if np.isfinite(ejected_percent(row)) and row.case in ejections]
    said = below_cuts([ejections[row.case] for row in rows])
    shares = np.array([ejected_percent(row) for row in rows])
    yield from _diagram(entry, "EF", said, shares[:, None] < EF_CUTS_PERCENT)


def _diagram(entry: Entry, volume: str, said: NDArray[np.float64], came_true: NDArray[np.bool_]) -> Iterator[Row]:
    found = reliability(said, came_true)
    for place, (count, mean, share) in enumerate(zip(*found, strict=True)):
        cells = (*_who(entry, volume), _EDGES[place], _EDGES[place + 1], int(count), float(mean), float(share))
        yield dict(zip(RELIABILITY, cells, strict=True))


def _terms(part: Scored) -> tuple[float, ...]:
    return (*decompose_crps(part.forecasts, part.references_ml), chance_reliability(part.forecasts))


def _row(entry: Entry, volume: str, cases: int, terms: tuple[float, ...]) -> Row:
    return dict(zip(DECOMPOSITION, (*_who(entry, volume), cases, *terms), strict=True))


def _who(entry: Entry, volume: str) -> tuple[str, str, str, str]:
    return entry.name, entry.cohort, entry.split, volume
