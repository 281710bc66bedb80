"""The picture of a search: the watched score against each setting that was searched."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lvpipe.charts import PALETTE, Dots, Layer, Mark, Rule, chart, stack
from lvpipe.config.search import Searched
from lvpipe.searching.settings import word
from lvpipe.searching.trials import Outcome

_SIZE = (640.0, 320.0)
_DIVERGED = "#b3261e"
_STEPS = ((1,), (1, 3), (1, 2, 5))
"""Ticks within a power of ten: as few as show three on the axis."""
_FEWEST_TICKS = 3


def draw(outcomes: Sequence[Outcome], space: Mapping[str, Searched]) -> str:
    """One chart for each searched setting, one below the other; outcomes come best first."""
    return stack([_chart(path, space, outcomes) for path in space], _SIZE)


def _chart(path: str, space: Mapping[str, Searched], outcomes: Sequence[Outcome]) -> str:
    axis = _Axis(path, space[path], outcomes)
    scored = [one for one in outcomes if one.ended != "diverged"]
    layers: list[Layer] = [_rule(axis, one) for one in outcomes if one.ended == "diverged"]
    layers += [_dots(axis, name, some) for name, some in _series(path, space, scored).items()]
    layers += [Mark(axis.place(one), one.watch_score, "") for one in scored[:1]]
    return chart(_heading(path, scored, outcomes), path, "watched score", layers, x_words=axis.words, size=_SIZE)


def _heading(path: str, scored: Sequence[Outcome], outcomes: Sequence[Outcome]) -> str:
    best = f": best {word(scored[0].values[path])}, watched score {scored[0].watch_score:.3f}" if scored else ""
    diverged = len(outcomes) - len(scored)
    return f"{path}{best}" + (f"; {diverged} of {len(outcomes)} trials diverged" if diverged else "")


@dataclass(frozen=True)
class _Axis:
    """Where a trial stands: by its number, by that number's logarithm, or one place for each of the values tried."""

    path: str
    searched: Searched
    outcomes: Sequence[Outcome]

    def place(self, outcome: Outcome) -> float:
        value = outcome.values[self.path]
        if self.searched.values:
            return float(self._tried.index(word(value)))
        return math.log10(value) if self.searched.log else float(value)

    @property
    def words(self) -> dict[float, str] | None:
        if self.searched.values:
            return {float(place): tried for place, tried in enumerate(self._tried)}
        return self._powers() if self.searched.log else None

    @cached_property
    def _tried(self) -> list[str]:
        tried = [one.values[self.path] for one in self.outcomes]
        return list(dict.fromkeys(word(value) for value in sorted(tried, key=_in_order)))

    def _powers(self) -> dict[float, str]:
        drawn = [one.values[self.path] for one in self.outcomes]
        powers = range(math.floor(math.log10(min(drawn))), math.ceil(math.log10(max(drawn))) + 1)
        for steps in _STEPS:
            ticks = [step * 10.0**power for power in powers for step in steps]
            if sum(min(drawn) <= tick <= max(drawn) for tick in ticks) >= _FEWEST_TICKS:
                break
        return {math.log10(tick): word(tick) for tick in ticks}


def _in_order(value: Any) -> tuple[bool, float, str]:
    """Numbers by size, then all else by its letters."""
    is_number = isinstance(value, int | float)
    return (not is_number, float(value) if is_number else 0.0, word(value))


def _series(path: str, space: Mapping[str, Searched], outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Where two settings are searched, one of few values tells the other's dots apart by colour."""
    others = [other for other in space if other != path and space[other].values]
    if len(space) != 2 or not others or len(space[others[0]].values) > len(PALETTE):
        return {"": list(outcomes)}
    series: dict[str, list[Outcome]] = {}
    for one in sorted(outcomes, key=lambda one: _in_order(one.values[others[0]])):
        series.setdefault(f"{others[0]} {word(one.values[others[0]])}", []).append(one)
    return series


def _dots(axis: _Axis, name: str, outcomes: Sequence[Outcome]) -> Dots:
    places = [axis.place(one) for one in outcomes]
    return Dots(name, places, [one.watch_score for one in outcomes], titles=[_title(one) for one in outcomes])


def _rule(axis: _Axis, diverged: Outcome) -> Rule:
    return Rule(axis.place(diverged), "x", colour=_DIVERGED)


def _title(outcome: Outcome) -> str:
    values = ", ".join(f"{path} {word(value)}" for path, value in outcome.values.items())
    return f"{outcome.trial}: {outcome.watch_score:.4f} after epoch {outcome.best_epoch}; {values}"
