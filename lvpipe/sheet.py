"""The case sheet: every case of the run with its patient, split, fold, reference volumes and what became of it."""

import importlib
from collections.abc import Collection, Iterator
from pathlib import Path

from lvpipe.cases import Case, Labels, place
from lvpipe.config.cohorts import PlacedCohort, SheetOrder
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


def sheet_rows(order: SheetOrder, names: Collection[str], ledgers: Path) -> Iterator[dict[str, object]]:
    """One row for each named case, in the order of cohorts and of their listings."""
    for cohort in order.cohorts:
        reader = importlib.import_module(f"lvpipe.readers.{cohort.reader}")
        labels: dict[str, Labels] = reader.read_labels(Path(cohort.root))
        for case in _cases(cohort, order.folds):
            if case.name in names:
                known = labels.get(case.name.removeprefix(cohort.prefix), Labels())
                yield _row(case, known, ledgers / f"{case.name}_cine.json")


def _cases(cohort: PlacedCohort, folds: int) -> Iterator[Case]:
    reader = importlib.import_module(f"lvpipe.readers.{cohort.reader}")
    for source in reader.list_cases(Path(cohort.root)):
        yield place(source, cohort.name, cohort.prefix, folds, cohort.test_share)


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
