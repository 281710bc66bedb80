"""The case sheet: every case of the run with its patient, split, fold, reference volumes and what became of it."""

import importlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from lvpipe.cases import Case, Labels
from lvpipe.config.sheet import PlacedCohort, SheetOrder
from lvpipe.files import read_json

COLUMNS = (
    "cohort",
    "case",
    "patient",
    "split",
    "fold",
    "edv_ml",
    "esv_ml",
    "age_years",
    "sex",
    "status",
    "reason",
)


def sheet_rows(order: SheetOrder, cases: Sequence[Case], ledgers: Path) -> Iterator[dict[str, object]]:
    """One row for each case; volumes only of cohorts that are said to have them."""
    cohorts = {cohort.name: cohort for cohort in order.cohorts}
    labels = {name: _labels(cohort) for name, cohort in cohorts.items()}
    for case in cases:
        known = labels[case.cohort].get(case.name.removeprefix(cohorts[case.cohort].prefix), Labels())
        row = _row(case, known, ledgers / f"{case.name}_cine.json")
        yield row if cohorts[case.cohort].volumes else row | {"edv_ml": None, "esv_ml": None}


def format_cases(cases: Iterable[Case]) -> Iterator[str]:
    """Cases as words: `@cohort/split`, then `name:fold` or `name:fold:patient` of each case that it holds for.

    A command may have 128 KiB: so short, ten thousand cases fit.
    """
    for (cohort, split), group in groupby(cases, key=lambda case: (case.cohort, case.split)):
        yield f"@{cohort}/{split}"
        yield from (f"{c.name}:{c.fold}" + (f":{c.patient}" if c.patient != c.name else "") for c in group)


def parse_cases(words: Iterable[str]) -> Iterator[Case]:
    """The cases as the plan placed them, whatever lies on disk: the inverse of `format_cases`."""
    cohort = split = ""
    for word in words:
        if word.startswith("@"):
            cohort, split = word.removeprefix("@").split("/")
        else:
            name, fold, *patient = word.split(":", maxsplit=2)
            yield Case(name, cohort, patient[0] if patient else name, split, int(fold), ())


def _labels(cohort: PlacedCohort) -> dict[str, Labels]:
    reader = importlib.import_module(f"lvpipe.readers.{cohort.reader}")
    labels: dict[str, Labels] = reader.read_labels(Path(cohort.root))
    return labels


def _row(case: Case, labels: Labels, path: Path) -> dict[str, object]:
    ledger = read_json(path)
    drawn = ledger.get("reference") or {}
    return {
        "cohort": case.cohort,
        "case": case.name,
        "patient": case.patient,
        "split": case.split,
        "fold": case.fold,
        "edv_ml": labels.edv_ml if labels.edv_ml is not None else drawn.get("edv_ml"),
        "esv_ml": labels.esv_ml if labels.esv_ml is not None else drawn.get("esv_ml"),
        "age_years": ledger["age_years"] if ledger["age_years"] is not None else labels.age_years,
        "sex": ledger["sex"] or labels.sex,
        "status": ledger["status"],
        "reason": ledger["reason"],
    }
