"""Settings of the stage `search`: which settings of a model are tried, and how many times."""

import math
from typing import Any, Self

from pydantic import Field, model_validator

from lvpipe.config.base import PathName, Section

MOST_TRIALS = 200
"""Of one search: their values stand on one command line, which Linux bounds at 128 KiB."""


class Searched(Section):
    """One setting and what is tried for it: `values`, or whatever lies from `low` to `high`."""

    values: tuple[Any, ...] = Field((), description="What is tried.")
    low: float | None = Field(None, description="Instead of `values`: the smallest value that is drawn.")
    high: float | None = Field(None, description="And the largest.")
    log: bool = Field(False, description="Draw evenly in the logarithm: as often from 1 to 10 as from 10 to 100.")
    whole: bool = Field(False, description="Draw whole numbers.")

    @model_validator(mode="after")
    def _values_or_bounds(self) -> Self:
        if bool(self.values) == (self.low is not None or self.high is not None):
            raise ValueError("has values and bounds both or neither; expected `values`, or `low` and `high`")
        if self.values and (self.log or self.whole):
            raise ValueError("log and whole are for `low` and `high`; expected none of them beside `values`")
        if not self.values and (self.low is None or self.high is None or self.low >= self.high):
            raise ValueError(f"goes from {self.low} to {self.high}; expected `low` below `high`")
        if self.whole and not (float(self.low or 0).is_integer() and float(self.high or 0).is_integer()):
            raise ValueError(f"draws whole numbers from {self.low} to {self.high}; expected whole bounds")
        if self.log and self.low is not None and self.low <= 0:
            raise ValueError(f"goes from {self.low} in logarithms; expected `low` above 0")
        return self


class SearchEntry(Section):
    """One search: a model is trained with one choice of settings after the other."""

    model: str = Field(description="The entry of `models` that every trial starts from.")
    fold: int = Field(0, ge=0, description="The held-out fold: no trial learns from its patients or is judged by them.")
    space: dict[str, Searched] = Field(
        min_length=1,
        description="What is tried, by setting: `train.learning_rate`, `train.augmentation.shift_px`, "
        "`options.channels`, `window.side_px`, `network`.",
    )
    trials: int | None = Field(
        None, ge=1, le=MOST_TRIALS, description="Random choices; None: every combination of all `values`."
    )
    seed: int = Field(1, ge=0, description="Seed of the random choices; more `trials` add to those that were made.")

    @model_validator(mode="after")
    def _can_be_combined(self) -> Self:
        for path in self.space:
            parent = next((other for other in self.space if path.startswith(f"{other}.")), None)
            if parent:
                raise ValueError(f"{path} is a part of {parent}; expected one of the two")
        drawn = [path for path, searched in self.space.items() if not searched.values]
        if self.trials is None and drawn:
            raise ValueError(f"{drawn[0]} is drawn at random; expected `trials`: how many times")
        combinations = math.prod(len(searched.values) for searched in self.space.values())
        if self.trials is None and combinations > MOST_TRIALS:
            raise ValueError(f"has {combinations} combinations; expected `trials` or at most {MOST_TRIALS}")
        return self


class SearchSettings(Section):
    """Searches for settings; none is part of a run of everything, each is asked for by its name."""

    searches: dict[PathName, SearchEntry] = Field(default_factory=dict, description="Searches, by name.")


class Trial(Section):
    """One choice of settings, as the job reads it that compares trials."""

    name: str
    values: dict[str, Any]
    epochs: int


class SearchOrder(Section):
    """What that job depends on besides the trials' histories."""

    model: str
    space: dict[str, Searched]
    trials: tuple[Trial, ...]
    models: tuple[dict[str, Any], ...]
