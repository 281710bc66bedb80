"""The case sheet: every case of the run with its patient, split, fold, reference volumes and what became of it."""

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from lvpipe.cases import NO_ESTIMATE, Case, Labels
from lvpipe.cine import ledger_table
from lvpipe.config.sheet import PlacedCohort, SheetOrder
from lvpipe.files import read_json, write_table
from lvpipe.reader import EstimateReader, Reader
from lvpipe.reader_options import accepted
from lvpipe.reference_volumes import taken

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
    "volumes_left_out",
)
"""The last: why the volumes that the source states, or that were drawn, are left out; blank where they are taken."""


def sheet_rows(order: SheetOrder, cases: Sequence[Case], ledgers: Path) -> Iterator[dict[str, object]]:
    """One row for each case; volumes only of cohorts that are said to have them."""
    cohorts = {cohort.name: cohort for cohort in order.cohorts}
    labels = {name: _labels(cohort) for name, cohort in cohorts.items()}
    there = {name: _cases_there(cohort) for name, cohort in cohorts.items() if cohort.tables}
    for case in cases:
        name = case.name.removeprefix(cohorts[case.cohort].prefix)
        known = labels[case.cohort].get(name, Labels())
        if case.cohort in there:
            account = _OK if name in there[case.cohort] else _ABSENT
        else:
            account = read_json(ledgers / f"{case.name}_cine.json")
        row = _row(case, known, account)
        yield row if cohorts[case.cohort].volumes else row | {"edv_ml": None, "esv_ml": None, "volumes_left_out": ""}


def write_sheets(order: SheetOrder, words: Iterable[str], ledgers: Path, out: Path, table: Path) -> None:
    """The case sheet, and the table of how often each rule was applied to each case that was converted here."""
    cases = list(parse_cases(words))
    rows = list(sheet_rows(order, cases, ledgers))
    write_table(out, COLUMNS, rows)
    for line in told_of(order, rows):
        print(line)
    given = {cohort.name for cohort in order.cohorts if cohort.tables}
    converted = [case for case in cases if case.cohort not in given]
    write_table(table, ledger_table.COLUMNS, ledger_table.ledger_rows(converted, ledgers))


def told_of(order: SheetOrder, rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """A line for each case whose volumes are left out, and one for those of a cohort that lack one or both."""
    for row in rows:
        if row["volumes_left_out"]:
            yield f"{row['case']} ({row['cohort']}): its volumes are left out: {row['volumes_left_out']}"
    for cohort in (cohort.name for cohort in order.cohorts if cohort.volumes):
        own = [row for row in rows if row["cohort"] == cohort and not row["volumes_left_out"]]
        lacking = [str(row["case"]) for row in own if row["edv_ml"] is None or row["esv_ml"] is None]
        if lacking:
            yield f"{cohort}: no EDV, no ESV or neither is known of {len(lacking)} cases: {' '.join(lacking)}"


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


_OK: Mapping[str, Any] = {"status": "ok", "reason": "", "complete": True, "age_years": None, "sex": ""}
_ABSENT: Mapping[str, Any] = {**_OK, "status": "rejected", "reason": NO_ESTIMATE}
"""What stands for the ledger of a case whose cohort brought its estimates."""


def _labels(cohort: PlacedCohort) -> dict[str, Labels]:
    return _reader(cohort).read_labels(Path(cohort.root))


def _cases_there(cohort: PlacedCohort) -> set[str]:
    """The cases that at least one of a cohort's tables knows."""
    reader, root = cast(EstimateReader, _reader(cohort)), Path(cohort.root)
    options = accepted(reader.cases_of, cohort.options)
    return {case for table in cohort.tables for case in reader.cases_of(root, table, **options)}


def _reader(cohort: PlacedCohort) -> Reader:
    return cast(Reader, importlib.import_module(f"lvpipe.readers.{cohort.reader}"))


def _row(case: Case, labels: Labels, account: Mapping[str, Any]) -> dict[str, object]:
    volumes = taken(labels, account.get("reference") or {})
    incomplete = account["status"] == "ok" and not account["complete"]
    return {
        "cohort": case.cohort,
        "case": case.name,
        "patient": case.patient,
        "split": case.split,
        "fold": case.fold,
        "edv_ml": volumes.edv_ml,
        "esv_ml": volumes.esv_ml,
        "age_years": account["age_years"] if account["age_years"] is not None else labels.age_years,
        "sex": account["sex"] or labels.sex,
        "status": "incomplete" if incomplete else account["status"],
        "reason": account["incomplete_reason"] if incomplete else account["reason"],
        "volumes_left_out": volumes.left_out,
    }
