"""The case sheet: every case of the run with its patient, split, fold, reference volumes and what became of it."""

import importlib
from collections.abc import Iterator, Sequence
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


def parse_case(text: str) -> Case:
    """A case as the rule names it: cohort/case/patient/split/fold, as the plan placed it, whatever lies on disk."""
    cohort, name, patient, split, fold = text.split("/")
    return Case(name, cohort, patient, split, int(fold), ())


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
