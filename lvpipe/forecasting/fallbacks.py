"""The forecast of a case that no volume can be measured of: from what is left of it, the first that can be had.

`slices`: hearts of which as many slices looked like those that are there; `age_sex`: hearts of people like this one;
`cohort`: all known hearts. A case is never its own peer, nor is another study of the same patient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from lvpipe.forecasting.forecasts import enough_peers, of_peers
from lvpipe.metrics import FORECAST_ML
from lvpipe.tables import SheetRow
from lvpipe.volumes import MM3_PER_ML

SLICES, AGE_SEX, COHORT = "slices", "age_sex", "cohort"
CASCADE = (SLICES, AGE_SEX, COHORT)
"""In this order; a case with two forecasts is named by the later of the two."""

_WINDOWS = 60
"""Most similar runs of slices whose volumes make a forecast: of 30, 60, 150 and 300 the best on 693 Kaggle studies."""

_PEERS = 30
"""Nearest in age whose volumes make a forecast: of 20, 30, 50, 75 and 100 the best on 700 Kaggle studies."""

_FEWEST_ALIKE = 10
"""Fewer cases than this are no distribution."""

_BODY_PERCENT = 1.0
"""Slices that are all smaller than the largest of nearly every complete heart missed its body: they tell less than age
and sex do (CRPS 0.066 against 0.038 for EDV, three slices, Kaggle)."""

_NOTHING_MM2, _NOTHING_ML = 10.0, 1.0
"""Added before logarithms are taken, so that empty slices are near small ones."""

_SMALLEST_ML = 0.5
"""Half of the first step of a forecast, which begins at 0 mL: a logarithm has to begin somewhere."""


@dataclass(frozen=True, eq=False)
class Slab:
    """Slices of one frame in the order of their positions, and their usual distance."""

    areas_mm2: NDArray[np.float64]
    spacing_mm: float


@dataclass(frozen=True)
class Fallback:
    """A forecast with its name and the number of volumes that it was learnt from."""

    name: str
    forecast: NDArray[np.float64]
    learnt_from: int


@dataclass(frozen=True)
class Peers:
    """Cases whose volume is known, and the slices of those of them whose stack is complete."""

    kind: str
    rows: Sequence[SheetRow]
    slabs: Mapping[str, Slab]

    def without(self, row: SheetRow) -> list[SheetRow]:
        """All but this patient's, with a volume."""
        return [peer for peer in self.rows if peer.patient != row.patient and np.isfinite(self.volume_ml(peer))]

    def volume_ml(self, row: SheetRow) -> float:
        """The reference of the one volume that this is about."""
        return row.reference_ml(self.kind)

    @cached_property
    def least_mm2(self) -> float:
        """What the largest slice of nearly every complete heart exceeds, of those whose volume may be learnt from."""
        known = [
            self.slabs[row.case] for row in self.rows if row.case in self.slabs and np.isfinite(self.volume_ml(row))
        ]
        largest = [float(slab.areas_mm2.max()) for slab in known]
        return float(np.percentile(largest, _BODY_PERCENT)) if largest else float("inf")


def slab_of(areas_mm2: NDArray[Any], positions_mm: NDArray[Any]) -> Slab:
    """Slices in any order."""
    order = np.argsort(positions_mm, kind="stable")
    gaps = np.diff(positions_mm[order])
    return Slab(areas_mm2[order], float(np.median(gaps)) if len(gaps) else 0.0)


def fall_back(row: SheetRow, slab: Slab | None, peers: Peers) -> Fallback:
    """The first of the cascade that can be had."""
    known = peers.without(row)
    alike = alike_hearts(slab, known, peers) if slab is not None else []
    if alike:
        return Fallback(SLICES, lognormal(alike), len(alike))
    people = [peers.volume_ml(peer) for peer in alike_people(row, known)]
    if len(people) >= _FEWEST_ALIKE:
        return Fallback(AGE_SEX, lognormal(people), len(people))
    volumes = [peers.volume_ml(peer) for peer in enough_peers(row, known)]
    return Fallback(COHORT, of_peers(volumes), len(volumes))


def alike_hearts(slab: Slab, known: Sequence[SheetRow], peers: Peers) -> list[float]:
    """Volumes of complete hearts of which a run of as many slices is most like these; none where too little is seen.

    Two runs are alike when the logarithms of their largest area, and those of the volume between their slices, are.
    """
    count = len(slab.areas_mm2)
    long_enough = [row for row in known if row.case in peers.slabs and len(peers.slabs[row.case].areas_mm2) >= count]
    if len(long_enough) < _FEWEST_ALIKE or slab.areas_mm2.max() < peers.least_mm2:
        return []
    runs = [_runs(peers.slabs[row.case], count) for row in long_enough]
    volumes = np.repeat([peers.volume_ml(row) for row in long_enough], [len(run) for run in runs])
    apart = np.abs(np.concatenate(runs) - _runs(slab, count)).sum(axis=1)
    return [float(volumes[place]) for place in np.argsort(apart, kind="stable")[:_WINDOWS]]


def alike_people(row: SheetRow, known: Sequence[SheetRow]) -> list[SheetRow]:
    """Those of the same sex nearest in age, and all that are as near as the last of them.

    Of a case whose sex is not known everybody is near enough by sex, of one whose age is not known by age; of one of
    which neither is known nobody is alike.
    """
    if not row.sex and not np.isfinite(row.age_years):
        return []
    same = [peer for peer in known if not row.sex or peer.sex == row.sex]
    aged = [(_years_apart(row, peer), peer) for peer in enough_peers(row, same, _FEWEST_ALIKE)]
    near = sorted(((years, peer) for years, peer in aged if np.isfinite(years)), key=lambda pair: pair[0])
    reach = near[:_PEERS][-1][0] if near else 0.0
    return [peer for years, peer in near if years <= reach]


def lognormal(volumes_ml: Sequence[float]) -> NDArray[np.float64]:
    """The log-normal distribution with the moments of these volumes' logarithms: hearts differ by factors."""
    logs = np.log(np.maximum(np.asarray(volumes_ml, float), _SMALLEST_ML))
    spread = max(float(logs.std(ddof=1)), 1e-3)
    return np.asarray(ndtr((np.log(np.maximum(FORECAST_ML, _SMALLEST_ML)) - logs.mean()) / spread))


def later(names: Sequence[str]) -> str:
    """Of a case's fallbacks the one furthest down the cascade; "" where it has none."""
    return max(names, key=CASCADE.index, default="")


def _runs(slab: Slab, count: int) -> NDArray[np.float64]:
    """Every run of `count` slices: logarithms of its largest area and of the volume between its slices."""
    runs = np.lib.stride_tricks.sliding_window_view(slab.areas_mm2, count)
    between_ml = runs.sum(axis=1) * slab.spacing_mm / MM3_PER_ML
    return np.column_stack([np.log(runs.max(axis=1) + _NOTHING_MM2), np.log(between_ml + _NOTHING_ML)])


def _years_apart(row: SheetRow, peer: SheetRow) -> float:
    return abs(row.age_years - peer.age_years) if np.isfinite(row.age_years) else 0.0
