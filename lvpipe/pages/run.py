"""What the report knows of a run before it opens an image: the final tables, the forecasts and the ledgers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.files import read_json, read_table
from lvpipe.forecasts import forecast_id, read_forecasts
from lvpipe.pages.markup import anchor
from lvpipe.tables import number

SPLITS = ("test", "validate", "train")
"""In the order of a reader's interest."""

_TEXTS = frozenset({"model", "cohort", "case", "split", "status", "reason", "flags", "ed_frame", "es_frame"})


@dataclass(frozen=True)
class Outcome:
    """One row of cases.csv: what one model says of one case. `frames` holds those of ED and ES that are known."""

    model: str
    cohort: str
    case: str
    split: str
    status: str
    reason: str
    flags: tuple[str, ...]
    frames: Mapping[str, int]
    values: Mapping[str, float]

    @property
    def crps(self) -> float:
        """Mean over both volumes, or the one that has a reference; NaN without any."""
        known = [value for kind in ("edv", "esv") if np.isfinite(value := self.values[f"{kind}_crps"])]
        return float(np.mean(known)) if known else float("nan")

    @property
    def rejected(self) -> bool:
        """Whether there is no cine to look at."""
        return self.status == "rejected"


@dataclass(frozen=True)
class Run:
    """The tables of one results folder."""

    root: Path
    models: Sequence[str]
    crps: Sequence[Mapping[str, str]]
    dice: Sequence[Mapping[str, str]]
    outcomes: Sequence[Outcome]
    forecasts: Mapping[str, Mapping[str, NDArray[np.float64]]]
    pictured: int
    """Most cases with pictures."""

    folds: int

    @cached_property
    def by_case(self) -> dict[str, list[Outcome]]:
        """All models' outcomes of each case, in the order of the models."""
        order = {model: place for place, model in enumerate(self.models)}
        cases: dict[str, list[Outcome]] = {}
        for outcome in sorted(self.outcomes, key=lambda one: order[one.model]):
            cases.setdefault(outcome.case, []).append(outcome)
        return cases

    @cached_property
    def ranked(self) -> list[str]:
        """Cases by their worst CRPS of any model, worst first; those without a reference at the end, by name."""
        return sorted(self.by_case, key=lambda case: (-worst_crps(self.by_case[case]), case))

    @cached_property
    def rejected(self) -> list[str]:
        """Cases without a cine, by name."""
        return sorted(case for case, outcomes in self.by_case.items() if outcomes[0].rejected)

    @cached_property
    def shown(self) -> list[str]:
        """Cases that are shown with pictures, worst first."""
        return [case for case in self.ranked if not self.by_case[case][0].rejected][: self.pictured]

    def link(self, case: str) -> str:
        """Where the page tells more of a case; the table of all cases, if it has no part of its own."""
        return f"#{anchor(case)}" if case in self._places else "#cases"

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(self.rejected + self.shown)

    @cached_property
    def splits(self) -> list[str]:
        """The splits that occur, test first."""
        return in_order({outcome.split for outcome in self.outcomes})

    @cached_property
    def drawn(self) -> frozenset[str]:
        """Cases that were scored against a reference; the file of one that lies there unasked is an earlier run's."""
        return frozenset(row["case"] for row in self.dice)

    @cached_property
    def slice_dice(self) -> dict[tuple[str, str, int, int], float]:
        """Dice of single slices by model, case, frame and slice."""
        return {
            (row["model"], row["case"], int(row["frame"]), int(row["slice"])): number(row["dice"])
            for row in self.dice
            if row["slice"]
        }

    def forecast(self, outcome: Outcome, kind: str) -> "NDArray[np.float64] | None":
        """A case's distribution function of EDV or ESV."""
        return self.forecasts[outcome.model].get(forecast_id(outcome.case, kind))

    def ledger(self, case: str) -> dict[str, Any]:
        """What convert wrote down."""
        return read_json(self.root / "convert" / f"{case}_cine.json") or {}


def read_run(root: Path, models: Sequence[str], pictured: int, folds: int) -> Run:
    """Read every table that the page needs, once."""
    outcomes = [_outcome(row) for row in read_table(root / "cases.csv") if row["model"] in models]
    forecasts = {model: read_forecasts(root / "calibrate" / model / "forecasts.csv") for model in models}
    crps, dice = (read_table(root / name) for name in ("crps.csv", "dice.csv"))
    return Run(root, models, crps, dice, outcomes, forecasts, pictured, folds)


def worst_crps(outcomes: Iterable[Outcome]) -> float:
    """The largest CRPS of any model; below all others where there is none."""
    return max((outcome.crps for outcome in outcomes if np.isfinite(outcome.crps)), default=-1.0)


def in_order(splits: Iterable[str]) -> list[str]:
    """Splits with test first; words that nobody foresaw at the end."""
    return sorted(splits, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split))


def _outcome(row: Mapping[str, str]) -> Outcome:
    frames = {word: int(row[key]) for word, key in (("ED", "ed_frame"), ("ES", "es_frame")) if row[key]}
    values = {key: number(cell) for key, cell in row.items() if key not in _TEXTS}
    texts = {key: row[key] for key in ("model", "cohort", "case", "split", "status", "reason")}
    return Outcome(**texts, flags=tuple(row["flags"].split()), frames=frames, values=values)
