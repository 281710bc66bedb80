"""Cohorts that bring their estimates: what the readers `areas` and `masks` share, and the sheet `cases.csv`.

A reader of such a cohort has, besides what every reader has, `GIVES`, `list_tables`, `find_table`, `cases_of` and
`read_estimates`. Standard library alone: it is imported when the workflow is parsed.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvpipe.cases import NO_ESTIMATE, OLDEST_YEARS, SPLITS, Labels, SourceCase, safe_name
from lvpipe.errors import UserError
from lvpipe.files import reading

if TYPE_CHECKING:  # imported when the workflow is parsed, which loads nothing heavy
    from numpy.typing import NDArray

    from lvpipe.beats import AreaTable

SHEET = "cases.csv"

_VOLUMES = (("diastole_ml", "edv_ml"), ("systole_ml", "esv_ml"))
"""Either name of a volume will do: the challenge's, or that of this program's own case sheet."""


@dataclass(frozen=True, eq=False)
class Given:
    """What a source has of one case: its areas, or the reason why there are none."""

    table: "AreaTable | None" = None
    reason: str = ""
    myocardium_tz_mm2: "NDArray[Any] | None" = None
    times_ms: Sequence[float] | None = None
    flags: tuple[str, ...] = ()


NO_TABLE = Given(reason=NO_ESTIMATE)


def read_sheet(root: Path) -> dict[str, dict[str, str]]:
    """The rows of `cases.csv` by safe name; nothing where there is no such file.

    Raises:
        UserError: it has no column `case`, a case twice, or a split that nobody knows.
    """
    path = root / SHEET
    if not path.exists():
        return {}
    with reading(path), path.open(newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        if "case" not in (table.fieldnames or ()):
            raise UserError(
                f"{path}: no column case; expected case, split, age_years, sex, systole_ml, diastole_ml, ..."
            )
        rows: dict[str, dict[str, str]] = {}
        for row in table:
            name = _name_in(row, "case")
            _check_row(path, table.line_num, name, row, rows)
            rows[name] = {key: (cell or "").strip() for key, cell in row.items() if isinstance(cell, str | None)}
    return rows


def cases_in_sheet(rows: Mapping[str, Mapping[str, str]]) -> Iterator[SourceCase]:
    """The cases of a sheet, in its order."""
    for name, row in rows.items():
        yield SourceCase(name, _name_in(row, "patient") or name, row.get("split", ""), ())


def labels_in_sheet(root: Path) -> dict[str, Labels]:
    """Volumes, age and sex by case; a blank cell says nothing.

    Raises:
        UserError: a cell that is no number, or a heart that is smaller full than empty.
    """
    return {name: _labels(root / SHEET, name, row) for name, row in read_sheet(root).items()}


def amount(path: Path, case: str, row: Mapping[str, str], column: str) -> float | None:
    """A number of the sheet, 0 or more; None for a blank cell or no such column.

    Raises:
        UserError: it is no such number.
    """
    text = row.get(column, "")
    try:
        value = float(text) if text else None
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value < float("inf"):
        raise UserError(f"{path}: {column} of case {case} is {text!r}; expected a number of 0 or more, or a blank cell")
    return value


def _name_in(row: Mapping[str, str | None], column: str) -> str:
    text = (row.get(column) or "").strip()
    return safe_name(text) if text else ""


def _check_row(path: Path, line: int, name: str, row: Mapping[str, str], known: Mapping[str, object]) -> None:
    if not name:
        raise UserError(f"{path}, line {line}: no case's name; expected one in every row")
    if name in known:
        raise UserError(f"{path}, line {line}: case {name} stands twice; expected each case once")
    if (row.get("split") or "").strip() not in ("", *SPLITS):
        raise UserError(f"{path}, line {line}: split is {row['split']!r}; expected {', '.join(SPLITS)} or a blank cell")


def _labels(path: Path, name: str, row: Mapping[str, str]) -> Labels:
    edv_ml, esv_ml = (
        next((found for column in names if (found := amount(path, name, row, column)) is not None), None)
        for names in _VOLUMES
    )
    if edv_ml is not None and esv_ml is not None and esv_ml > edv_ml:
        raise UserError(f"{path}: case {name} has {esv_ml:g} mL at systole and {edv_ml:g} at diastole; expected fewer")
    age_years, sex = amount(path, name, row, "age_years"), row.get("sex", "")[:1].upper()
    capped = None if age_years is None else min(age_years, OLDEST_YEARS)
    return Labels(edv_ml, esv_ml, capped, sex if sex in ("F", "M") else "")
