"""Cases as rows of numbers: what the leading models measured of each, and all else that is known of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecasting.forecasts import KINDS
from lvpipe.forecasting.lines import fit_line
from lvpipe.forecasting.readings import Readings
from lvpipe.forecasting.shapes import FEATURES, Shape, disagreement, person_of, shape_of
from lvpipe.tables import SheetRow

_LEADING = 2
"""So many models make the estimate: of the ten networks of the Kaggle tables two are far better than all others."""

_SEEN_SHARE = 0.5
"""A model that measured fewer of the known cases does not lead."""

FEWEST = 50
"""References of each volume that a mixture learns from; with fewer there is more to choose than to choose by."""

_FEWEST_FOLDS = 3
"""One to forecast, and of what is left one to weigh candidates by that learnt from another."""

_FEWEST_LEFT = 10
"""Outside the two largest of them: as few fix no line."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """One volume of some cases: the estimate, and the features of `shapes.FEATURES` (NaN: not known)."""

    cases: tuple[SheetRow, ...]
    estimates_ml: Floats
    features: Floats

    def only(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Some of them."""
        cases = tuple(row for row, keep in zip(self.cases, chosen, strict=True) if keep)
        return Rows(cases, self.estimates_ml[chosen], self.features[chosen])


@dataclass(frozen=True, eq=False)
class Known:
    """Rows whose volume is known, with their folds: what is learnt from."""

    rows: Rows
    volumes_ml: Floats

    @cached_property
    def folds(self) -> NDArray[np.int64]:
        """Of each row its patient's."""
        return np.array([row.fold for row in self.rows.cases])

    def without(self, fold: int) -> "Known":
        """All but one fold."""
        kept = self.folds != fold
        return Known(self.rows.only(kept), self.volumes_ml[kept])


@dataclass(frozen=True, eq=False)
class Panel:
    """The readings of all models whose estimates one forecast is made of."""

    readings: Mapping[str, Readings]

    @cached_property
    def _shapes(self) -> dict[tuple[str, str], Shape]:
        return {(name, case): shape_of(one) for name, cases in self.readings.items() for case, one in cases.items()}

    @cached_property
    def _estimates_ml(self) -> dict[tuple[str, str], dict[str, float]]:
        """By model and volume, of every case that has one."""
        return {
            (name, kind): {case: ml for case, one in cases.items() if np.isfinite(ml := one.volume_ml(kind))}
            for name, cases in self.readings.items()
            for kind in KINDS
        }

    def leading(self, learnt: Sequence[SheetRow]) -> tuple[str, ...]:
        """The models whose volumes lie nearest to a line through these cases' references; the nearest first."""
        misses = {name: miss for name in self.readings if np.isfinite(miss := self._miss_ml(name, learnt))}
        return tuple(sorted(misses, key=misses.__getitem__)[:_LEADING])

    def volume_ml(self, case: str, kind: str, leading: Sequence[str]) -> float:
        """The mean of the leading models' estimates, of all where those have none; NaN where nobody has."""
        leaders = self._volumes_ml(case, kind, leading)
        known = leaders if leaders else self._volumes_ml(case, kind, self.readings)
        return float(np.mean(known)) if known else float("nan")

    def rows(self, kind: str, cases: Iterable[SheetRow], leading: Sequence[str]) -> Rows:
        """Those of the cases that have an estimate."""
        found = [(row, volume) for row in cases if np.isfinite(volume := self.volume_ml(row.case, kind, leading))]
        features = [self._features(row, leading) for row, _ in found]
        matrix = np.reshape([[one.get(name, np.nan) for name in FEATURES] for one in features], (-1, len(FEATURES)))
        return Rows(tuple(row for row, _ in found), np.array([volume for _, volume in found]), matrix)

    def known(self, kind: str, learnt: Iterable[SheetRow], leading: Sequence[str]) -> Known:
        """Those of them that have an estimate and a reference."""
        rows = self.rows(kind, (row for row in learnt if np.isfinite(row.reference_ml(kind))), leading)
        return Known(rows, np.array([row.reference_ml(kind) for row in rows.cases]))

    def _volumes_ml(self, case: str, kind: str, names: Iterable[str]) -> list[float]:
        return [ml for name in names if (ml := self._estimates_ml[name, kind].get(case)) is not None]

    def _features(self, row: SheetRow, leading: Sequence[str]) -> Shape:
        shapes = [self._shapes[name, row.case] for name in leading if (name, row.case) in self._shapes]
        others = [name for name in self.readings if name not in leading]
        volumes = {kind: self._volumes_ml(row.case, kind, (*leading, *others)) for kind in KINDS}
        return {**_mean_of(shapes), **person_of(row), **disagreement(volumes)}

    def _miss_ml(self, name: str, learnt: Sequence[SheetRow]) -> float:
        return sum(self._miss_of_ml(name, kind, learnt) for kind in KINDS)

    def _miss_of_ml(self, name: str, kind: str, learnt: Sequence[SheetRow]) -> float:
        """The mean distance from a line of one volume; infinite of who measured too few."""
        estimates_ml = self._estimates_ml[name, kind]
        known = [row for row in learnt if np.isfinite(row.reference_ml(kind))]
        pairs = [(estimates_ml[row.case], row.reference_ml(kind)) for row in known if row.case in estimates_ml]
        if not pairs or len(pairs) < _SEEN_SHARE * len(known):
            return float("inf")
        estimates, references = np.array(pairs).T
        line = fit_line(estimates, references)
        return float(np.abs(line.intercept + line.slope * estimates - references).mean())


def _mean_of(shapes: Sequence[Shape]) -> Shape:
    """What several models say, on average."""
    names = dict.fromkeys(name for shape in shapes for name in shape)
    told = {name: np.array([shape[name] for shape in shapes if name in shape]) for name in names}
    return {name: float(values[known].mean()) for name, values in told.items() if (known := np.isfinite(values)).any()}


def without_each(learnt: Sequence[SheetRow]) -> dict[str, list[SheetRow]]:
    """All who may be learnt from, and all but each fold."""
    folds = sorted({row.fold for row in learnt})
    return {"all": list(learnt)} | {str(fold): [row for row in learnt if row.fold != fold] for fold in folds}


def leaders(panel: Panel, learnt: Sequence[SheetRow]) -> dict[str, tuple[str, ...]]:
    """The leading models by all who may be learnt from, and by all but each fold."""
    return {fold: panel.leading(rows) for fold, rows in without_each(learnt).items()}


def too_few(panel: Panel, learnt: Sequence[SheetRow]) -> str:
    """What is missing for a mixture; "" where it can be learnt."""
    for kind in KINDS:
        known = panel.known(kind, learnt, tuple(panel.readings))
        sizes = np.sort(np.unique(known.folds, return_counts=True)[1])
        count, folds, left = int(sizes.sum()), len(sizes), int(sizes[:-2].sum())
        if count < FEWEST or folds < _FEWEST_FOLDS:
            found = f"{count} of {kind} in {folds}"
            return f"mixture needs {FEWEST} estimates beside references in {_FEWEST_FOLDS} folds and found {found}"
        if left < _FEWEST_LEFT:
            return f"mixture needs {_FEWEST_LEFT} references outside any two folds and found {left} of {kind}"
    return ""
