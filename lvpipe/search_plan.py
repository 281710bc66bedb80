"""What the rules of `search` ask: which trials a search has; each is a model of its own, with other settings."""

import difflib
import itertools
import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from lvpipe.config.cohorts import ModelEntry
from lvpipe.config.schema import Config, load_config, merged
from lvpipe.config.search import Searched, SearchEntry, SearchOrder, Trial
from lvpipe.digests import digest
from lvpipe.errors import UserError
from lvpipe.network_options import check_network
from lvpipe.searching.settings import change_model, find
from lvpipe.teaching_options import check_teaching

_FREE = ("train", "network", "options", "window", "view", "labels")
"""Where a searched setting may stand: all that a watched score depends on."""

_WHO_IS_WATCHED = ("masks", "train.split_by", "train.inner_share")
"""And what it must not change: scores of other images cannot be compared, and those of known patients are the best."""

_DIGITS = 3
"""Significant digits of a drawn value: as many as one would type, and the same on every machine."""

_NAME_LENGTH = 8
"""Hex digits of a trial's name: two of 200 trials agree in one of 200,000 searches, and one of them is then missing."""


class SearchPlan:
    """The searches of a configuration and their trials."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._trials = {name: dict(_trials(config, name)) for name in self.searches}

    @property
    def searches(self) -> Mapping[str, SearchEntry]:
        """Every search by name."""
        return self._config.search.searches

    @cached_property
    def trials(self) -> dict[str, ModelEntry]:
        """Every trial as `search/trial`: the model that it starts from, with its settings."""
        return {
            f"{search}/{name}": entry for search, found in self._trials.items() for name, (entry, _) in found.items()
        }

    def histories(self, search: str) -> list[str]:
        """How each trial of a search went."""
        fold = self.searches[search].fold
        return [f"results/search/{search}/{name}/fold-{fold}/history.csv" for name in self._trials[search]]

    def settings(self, search: str) -> str:
        """What the comparison of trials depends on, as canonical JSON."""
        entry, trials = self.searches[search], self._trials[search]
        return SearchOrder(
            model=entry.model,
            space=entry.space,
            trials=tuple(trial for _, trial in trials.values()),
            models=tuple(model.model_dump(mode="json", exclude_unset=True) for model in self._config.models),
        ).canonical()


def _trials(config: Config, search: str) -> Iterator[tuple[str, tuple[ModelEntry, Trial]]]:
    entry = config.search.searches[search]
    start = next(model for model in config.models if model.name == entry.model)
    try:
        for path in entry.space:
            _check_path(path)
        for values in _choices(entry):
            model, trial = _trial(config, start, values)
            yield trial.name, (model, trial)
    except UserError as error:
        raise UserError(f"search: {search}: {error}") from None


def _check_path(path: str) -> None:
    if path in _WHO_IS_WATCHED:
        raise UserError(
            f"`{path}` says which images are watched, and trials are compared by their score on these; expected one "
            f"setting for all trials: in the model or in `train`"
        )
    head, *rest = path.split(".")
    if head not in _FREE or (head == "train" and not rest):
        near = difflib.get_close_matches(head, _FREE, n=1, cutoff=0.7) or _FREE
        raise UserError(
            f"unknown setting `{path}`; expected one of {', '.join(f'`{word}`' for word in near)}: "
            f"only what training and the model are is searched"
        )


def _trial(config: Config, start: ModelEntry, values: Mapping[str, Any]) -> tuple[ModelEntry, Trial]:
    """A trial is named by its values as they are meant: `1e-3` and `0.001` are one trial, wherever it stands."""
    raw = change_model(start.model_dump(exclude_unset=True), values)
    train = merged(config.train.model_dump(), raw.get("overrides", {}).get("train", {}))
    models = [raw, *(model.model_dump(exclude_unset=True) for model in _started_from(config, start))]
    whole = load_config({**config.model_dump(), "search": {}, "models": models, "train": train})
    model = whole.models[0]
    check_network(model)
    check_teaching(model, {one.name: one for one in whole.models}, whole.train)
    known = {**model.model_dump(mode="json"), "train": whole.train.model_dump(mode="json")}
    meant = {path: find(known, path) for path in values}
    name = digest(json.dumps(meant, sort_keys=True))[:_NAME_LENGTH]
    return model, Trial(name=name, values=meant, epochs=whole.train.epochs)


def _started_from(config: Config, model: ModelEntry) -> Iterator[ModelEntry]:
    """The model whose weights one starts from, that from whose weights this started, and so on."""
    named = {one.name: one for one in config.models}
    while model.start:
        model = named[model.start]
        yield model


def _choices(entry: SearchEntry) -> Iterable[dict[str, Any]]:
    """All combinations, or as many random draws as are asked for."""
    if entry.trials is None:
        combinations = itertools.product(*(searched.values for searched in entry.space.values()))
        return [dict(zip(entry.space, values, strict=True)) for values in combinations]
    return [{path: _draw(path, entry, number) for path in entry.space} for number in range(entry.trials)]


def _draw(path: str, entry: SearchEntry, number: int) -> Any:
    """Each draw has its own seed: neither further trials nor further settings change it."""
    chance = random.Random(f"{entry.seed} {number} {path}")
    searched = entry.space[path]
    return chance.choice(searched.values) if searched.values else _between(searched, chance.random())


def _between(searched: Searched, share: float) -> float:
    assert searched.low is not None
    assert searched.high is not None
    low, high = (math.log(end) if searched.log else end for end in (searched.low, searched.high))
    place = low + share * (high - low)
    drawn = math.exp(place) if searched.log else place
    return round(drawn) if searched.whole else float(f"{drawn:.{_DIGITS}g}")
