"""headline.csv and differences.csv: every figure with how sure it is, and whether models really differ."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.resampling import Resampling
from lvpipe.scoring.terms import Terms, finish

HEADLINE: Final = ("model", "cohort", "split", "volume", "figure", "cases", "value", "low", "high")
DIFFERENCES: Final = (
    *("model", "other", "cohort", "split", "volume", "figure", "cases"),
    *("difference", "low", "high"),
)

_COMPARED: Final = ("crps", "rmse", "mae", "rps")
"""Figures of which less is better, and a difference therefore says who is: beginnings of their names."""

Floats = NDArray[np.float64]


class Draws:
    """The figures of resampled patients: the same patients for all names with the same cases."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Resampling] = {}

    def of(self, terms: Terms) -> tuple[Resampling, Floats]:
        """Each figure in each draw, `(draws, figures)`, and who can tell intervals of them."""
        patients = tuple(row.patient for row in terms.rows)
        if patients not in self._known:
            self._known[patients] = Resampling(patients)
        means = self._known[patients].means(terms.matrix())
        drawn = [finish(figure, means[:, place]) for place, figure in enumerate(terms.values)]
        return self._known[patients], np.column_stack(drawn)


def headline_rows(terms: Sequence[Terms], draws: Draws) -> Iterator[dict[str, object]]:
    """Every figure of every name with the ends of its 95 % interval."""
    for one in terms:
        if not one.rows:
            continue
        resampling, drawn = draws.of(one)
        who = (one.name, one.cohort, one.split, one.volume)
        for (figure, value), ends in zip(figures_of(one).items(), resampling.interval(drawn).T, strict=True):
            yield dict(zip(HEADLINE, (*who, figure, one.cases, value, *map(float, ends)), strict=True))


def figures_of(terms: Terms) -> Mapping[str, float]:
    """The figures themselves."""
    return {figure: float(finish(figure, values.mean())) for figure, values in terms.values.items()}


def difference_rows(terms: Sequence[Terms], draws: Draws) -> Iterator[dict[str, object]]:
    """Every pair of models on the same cases: the first one's figure minus the other's, with its 95 % interval."""
    alike: dict[tuple[object, ...], list[Terms]] = {}
    for one in terms:
        if one.own and one.rows:
            cases = tuple(row.case for row in one.rows)
            alike.setdefault((one.cohort, one.split, one.volume, cases), []).append(one)
    for group in alike.values():
        drawn = [draws.of(one) for one in group] if len(group) > 1 else []
        for (one, (resampling, mine)), (other, (_, theirs)) in combinations(zip(group, drawn, strict=False), 2):
            yield from _differences(one, other, resampling.interval(mine - theirs))


def _differences(one: Terms, other: Terms, ends: Floats) -> Iterator[dict[str, object]]:
    mine, theirs = figures_of(one), figures_of(other)
    who = (one.name, other.name, one.cohort, one.split, one.volume)
    for place, figure in enumerate(mine):
        if figure.startswith(_COMPARED):
            cells = (*who, figure, one.cases, mine[figure] - theirs[figure], *map(float, ends[:, place]))
            yield dict(zip(DIFFERENCES, cells, strict=True))
