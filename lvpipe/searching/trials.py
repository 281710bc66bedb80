"""The trials of a search once they are trained: how each went, and which is best."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lvpipe.config.search import Trial
from lvpipe.tables import number

Ending = Literal["patience", "epochs", "diverged"]


@dataclass(frozen=True)
class Outcome:
    """How one trial went; what was watched is of its best epoch, NaN where it diverged."""

    trial: str
    values: Mapping[str, Any]
    epochs: int
    ended: Ending
    """By `patience`, after all `epochs`, or `diverged`: a batch's loss was no number, or what was watched never one."""

    best_epoch: int | None
    watch_loss: float
    watch_score: float


def judge(trial: Trial, history: Sequence[Mapping[str, str]]) -> Outcome:
    """What the history of a trial's training says."""
    kept = next((row for row in reversed(history) if row["best"] == "True"), None)
    if kept is None or not math.isfinite(number(history[-1]["train_loss"])):
        return Outcome(trial.name, trial.values, len(history), "diverged", None, math.nan, math.nan)
    ended: Ending = "patience" if len(history) < trial.epochs else "epochs"
    loss, score = number(kept["watch_loss"]), number(kept["watch_score"])
    return Outcome(trial.name, trial.values, len(history), ended, int(kept["epoch"]), loss, score)


def rank(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The best score first, of equal ones the lower loss; those that diverged last.

    By score, not by loss: losses of trials that differ in `train.loss` cannot be compared.
    """
    return sorted(outcomes, key=lambda one: (math.isnan(one.watch_score), -one.watch_score, one.watch_loss, one.trial))
