"""What the report knows of a run before it opens an image: the final tables, the forecasts and the ledgers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import Boxes, read_finding
from lvpipe.files import read_json, read_table
from lvpipe.forecasting.forecasts import forecast_id, read_forecasts
from lvpipe.images import is_rejected
from lvpipe.pages.markup import anchor
from lvpipe.tables import SheetRow, number, read_cases

SPLITS = ("test", "validate", "train")
"""In the order of a reader's interest."""

JUDGED = ("headline", "differences", "coverage", "decomposition", "pit", "reliability")
"""The tables about forecasts that the page shows."""

_TEXTS = frozenset(
    {"model", "cohort", "case", "split", "status", "reason", "fallback", "flags", "ed_frame", "es_frame"}
)


@dataclass(frozen=True)
class Outcome:
    """One row of cases.csv: what one model says of one case. `frames` holds those of ED and ES that are known."""

    model: str
    cohort: str
    case: str
    split: str
    status: str
    reason: str
    fallback: str
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
        """Whether there is nothing of it to look at."""
        return self.status == "rejected"

    @property
    def marks(self) -> tuple[str, ...]:
        """The flags, with what the fallback was, and whether the case looks odd."""
        odd = ("outlier",) if self.values["outlier"] else ()
        return odd + tuple(f"fallback: {self.fallback}" if flag == "fallback" else flag for flag in self.flags)


@dataclass(frozen=True)
class View:
    """The boxes of every case that one view shows, without their many proposals, and how good they are."""

    name: str
    boxes: Mapping[str, Boxes]
    shares: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Run:
    """The tables of one results folder."""

    root: Path
    models: Sequence[str]
    crps: Sequence[Mapping[str, str]]
    dice: Sequence[Mapping[str, str]]
    segmentation: Sequence[Mapping[str, str]]
    outcomes: Sequence[Outcome]
    forecasts: Mapping[str, Mapping[str, NDArray[np.float64]]]
    pictured: int
    """Most cases with pictures."""

    folds: int
    given: Sequence[str] = ()
    """Cohorts that brought their estimates: they have no images and no ledgers."""

    views: Sequence[View] = ()
    drawing: Sequence[str] = ()
    """Those of the models that have masks."""

    measuring: Sequence[str] = ()
    """Those that see cines and have areas of their slices."""

    judged: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """The tables of `results/score/forecasts` by name."""

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
        """Cases of which no model has anything, by name."""
        return sorted(case for case, outcomes in self.by_case.items() if all(one.rejected for one in outcomes))

    @cached_property
    def shown(self) -> list[str]:
        """Cases that are shown with pictures, worst first."""
        aside = set(self.rejected)
        return [case for case in self.ranked if case not in aside][: self.pictured]

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
        """Dice of the cavity in single slices by model, case, frame and slice."""
        return {
            (row["model"], row["case"], int(row["frame"]), int(row["slice"])): number(row["dice"])
            for row in self.dice
            if row["slice"] and row["label"] == "cavity"
        }

    @cached_property
    def judged_sets(self) -> list[tuple[str, str]]:
        """Cohorts and splits whose forecasts are judged, test first; of splits that are judged together no part."""
        found = dict.fromkeys((row["cohort"], row["split"]) for row in self.judged["headline"])
        parts = {(cohort, part) for cohort, split in found if "+" in split for part in split.split("+")}
        order = in_order({split for _, split in found})
        return sorted(found.keys() - parts, key=lambda one: (order.index(one[1]), one[0]))

    def forecast(self, outcome: Outcome, kind: str) -> "NDArray[np.float64] | None":
        """A case's distribution function of EDV or ESV."""
        return self.forecasts[outcome.model].get(forecast_id(outcome.case, kind))

    def is_given(self, case: str) -> bool:
        """Whether its cohort brought its estimates."""
        return self.by_case[case][0].cohort in self.given

    def ledger(self, case: str) -> dict[str, Any]:
        """What convert wrote down; of a case whose cohort brought its estimates what the case sheet says of it."""
        if self.is_given(case):
            return self._persons.get(case, {})
        return read_json(self.root / "convert" / f"{case}_cine.json") or {}

    def volumes_left_out(self, case: str) -> str:
        """Why the case's reference volumes are not taken; "" where they are, or where there are none."""
        return self._sheet[case].volumes_left_out

    @cached_property
    def _sheet(self) -> dict[str, SheetRow]:
        return read_cases(self.root / "convert" / "cases.csv")

    @cached_property
    def _persons(self) -> dict[str, dict[str, Any]]:
        rows = self._sheet.values()
        aged = ((row, row.age_years if np.isfinite(row.age_years) else None) for row in rows)
        return {row.case: {"age_years": age, "sex": row.sex, "reason": row.reason} for row, age in aged}


def read_run(
    root: Path,
    models: Sequence[str],
    pictured: int,
    folds: int,
    given: Sequence[str] = (),
    views: Sequence[str] = (),
    drawing: Sequence[str] = (),
    measuring: Sequence[str] = (),
) -> Run:
    """Read every table that the page needs, once."""
    outcomes = [_outcome(row) for row in read_table(root / "cases.csv") if row["model"] in models]
    forecasts = {model: read_forecasts(root / "calibrate" / model / "forecasts.csv") for model in models}
    crps, dice, segmentation = (read_table(root / name) for name in ("crps.csv", "dice.csv", "segmentation.csv"))
    cases = dict.fromkeys(one.case for one in outcomes if one.cohort not in given)
    seen = [_view(root, view, cases) for view in views]
    known = (models, crps, dice, segmentation, outcomes, forecasts, pictured, folds, given, seen, drawing, measuring)
    return Run(root, *known, judged={name: read_table(root / "score" / "forecasts" / f"{name}.csv") for name in JUDGED})


def worst_crps(outcomes: Iterable[Outcome]) -> float:
    """The largest CRPS of any model; below all others where there is none."""
    return max((outcome.crps for outcome in outcomes if np.isfinite(outcome.crps)), default=-1.0)


def in_order(splits: Iterable[str]) -> list[str]:
    """Splits with test first; words that nobody foresaw at the end."""
    return sorted(splits, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split))


def _view(root: Path, name: str, cases: Iterable[str]) -> View:
    """A case that was rejected before anybody looked for a heart has no boxes."""
    files = {case: root / "detect" / name / f"{case}_boxes.json" for case in cases}
    found = {case: replace(read_finding(file), proposals=()) for case, file in files.items() if not is_rejected(file)}
    return View(name, found, read_table(root / "score" / "boxes" / f"{name}_summary.csv"))


def _outcome(row: Mapping[str, str]) -> Outcome:
    frames = {word: int(row[key]) for word, key in (("ED", "ed_frame"), ("ES", "es_frame")) if row[key]}
    values = {key: number(cell) for key, cell in row.items() if key not in _TEXTS}
    texts = {key: row[key] for key in ("model", "cohort", "case", "split", "status", "reason", "fallback")}
    return Outcome(**texts, flags=tuple(row["flags"].split()), frames=frames, values=values)
