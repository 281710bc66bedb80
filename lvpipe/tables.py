"""Cells of CSV tables as numbers, and the case sheet."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lvpipe.cases import LEARNT_FROM, held_out
from lvpipe.files import read_table


@dataclass(frozen=True)
class SheetRow:
    """One case of the sheet: who it is and what its source says of it; NaN where it says nothing."""

    cohort: str
    case: str
    split: str
    patient: str
    fold: int
    edv_ml: float
    esv_ml: float
    age_years: float
    sex: str
    status: str
    reason: str
    volumes_left_out: str = ""

    @property
    def held_out(self) -> str:
        """The fold without which is learnt what forecasts this case; "all" for one of split test."""
        return held_out(self.split, self.fold)

    def reference_ml(self, kind: str) -> float:
        """The reference of `EDV` or `ESV`."""
        return self.edv_ml if kind == "EDV" else self.esv_ml


def number(cell: str | None) -> float:
    """The number in a cell; NaN for an empty one."""
    return float(cell) if cell else float("nan")


def read_cases(path: Path) -> dict[str, SheetRow]:
    """The case sheet by case name."""
    return {row["case"]: _row(row) for row in read_table(path)}


def of_split(rows: Iterable[SheetRow], *splits: str) -> list[SheetRow]:
    """The rows of these splits."""
    return [row for row in rows if row.split in splits]


def learnable(rows: Iterable[SheetRow]) -> list[SheetRow]:
    """Who may be learnt from; a patient who is a test case in any cohort may not."""
    everyone = list(rows)
    tested = {row.patient for row in of_split(everyone, "test")}
    return [row for row in of_split(everyone, *LEARNT_FROM) if row.patient not in tested]


def _row(row: dict[str, str]) -> SheetRow:
    words = ("cohort", "case", "split", "patient", "sex", "status", "reason", "volumes_left_out")
    texts = {name: row[name] for name in words}
    edv_ml, esv_ml, age_years = (number(row[name]) for name in ("edv_ml", "esv_ml", "age_years"))
    return SheetRow(**texts, fold=int(row["fold"]), edv_ml=edv_ml, esv_ml=esv_ml, age_years=age_years)
