"""Tables that come with a source: rows with their lines, and cells as what they mean.

A reader names the columns of its sheets. What a cell may hold, and what is said of one that holds something else, is
the same for all: the sheet, the line, the column, what was found, what was expected, how to mend it. Standard library
alone: readers are imported when the workflow is parsed.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import NoReturn, TypeVar

from lvpipe.cases import OLDEST_YEARS, SPLITS, Labels
from lvpipe.errors import UserError
from lvpipe.files import reading
from lvpipe.reference_volumes import judged

_T = TypeVar("_T", int, float)

_SEXES = {"": "", "F": "F", "M": "M", "FEMALE": "F", "MALE": "M"}

_AGE_MAX_YEARS = 130.0
"""Nobody was older: a greater number is a year of birth, or an age in months."""

_LONGEST_QUOTED = 60
"""Letters of a cell that a message shows: a quote that does not end may hold half a table."""

_VOLUME = "a number of mL"
_WHOLE = "a whole number of at least 0"
_MEND = "mend the cell"
_OR_BLANK = "mend the cell or leave it blank"


@dataclass(frozen=True)
class Layout:
    """What the first line of a sheet must say: the columns `needed`, or others `instead`; `further` ones may be there.

    `closed`: no column but these, so that a misspelt one is told. `personal`: no message quotes what the sheet holds.
    """

    needed: tuple[str, ...]
    instead: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    closed: bool = False
    personal: bool = False


@dataclass(frozen=True)
class LabelColumns:
    """Where the labels of a case stand; of several names the first whose cell is filled counts."""

    edv_ml: tuple[str, ...] = ("diastole_ml", "edv_ml")
    esv_ml: tuple[str, ...] = ("systole_ml", "esv_ml")
    age_years: str = "age_years"
    sex: str = "sex"

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.edv_ml, *self.esv_ml, self.age_years, self.sex)


LABELS = LabelColumns()
"""The names in the sheets of this project: those of the challenge, or those of its own case sheet."""


@dataclass(frozen=True)
class Row:
    """One line of a sheet, which names itself where something is wrong with it."""

    sheet: Path
    line: int
    cells: Mapping[str, str]
    personal: bool = False

    def text(self, column: str) -> str:
        """A cell as it stands, without the blanks around it; "" where the sheet has no such column."""
        return self.cells.get(column, "")

    def filled(self, *columns: str) -> str:
        """The first of these columns whose cell is not blank; where all are, the first that the sheet has, or ""."""
        there = [column for column in columns if column in self.cells]
        return next((column for column in there if self.text(column)), there[0] if there else "")

    def name(self, column: str) -> str:
        """A cell that must not be blank.

        Raises:
            UserError: it is.
        """
        return self.text(column) or self.refuse(column, "a name in every row", _MEND)

    def number(self, column: str, most: float = math.inf) -> float | None:
        """A finite number from 0 to `most`; None for a blank cell.

        Raises:
            UserError: it is no such number.
        """
        value = self._parsed(column, float, _range(most))
        if value is not None and not (0 <= value <= most and math.isfinite(value)):
            self.refuse(column, _range(most))
        return value

    def volume(self, column: str) -> float | None:
        """A finite number, whether or not it can be a volume (`lvpipe.reference_volumes`); None for a blank cell.

        Raises:
            UserError: it is no number.
        """
        value = self._parsed(column, float, _VOLUME)
        return value if value is None or math.isfinite(value) else self.refuse(column, _VOLUME)

    def whole(self, column: str) -> int | None:
        """A whole number of at least 0; None for a blank cell.

        Raises:
            UserError: it is none.
        """
        value = self._parsed(column, int, _WHOLE)
        if value is not None and value < 0:
            self.refuse(column, _WHOLE)
        return value

    def estimate(self, column: str) -> float:
        """What another tool computed, whatever the number; NaN for a blank cell.

        Raises:
            UserError: it is no number.
        """
        value = self._parsed(column, float, "a number")
        return math.nan if value is None else value

    def choice(self, column: str, known: Sequence[str]) -> str:
        """One of the words known, or "".

        Raises:
            UserError: it is another.
        """
        text = self.text(column)
        return text if text in ("", *known) else self.refuse(column, f"{', '.join(known)} or nothing")

    def split(self) -> str:
        """The source's own split, "" where it declares none.

        Raises:
            UserError: nobody knows such a split.
        """
        return self.choice("split", SPLITS)

    def sex(self, column: str) -> str:
        """F, M or "".

        Raises:
            UserError: it says something else.
        """
        found = _SEXES.get(self.text(column).upper())
        return found if found is not None else self.refuse(column, "F, M, female, male or nothing")

    def labels(self, columns: LabelColumns = LABELS) -> Labels:
        """What the row knows of a case; old people are all of one age, and volumes that cannot be are left out.

        Raises:
            UserError: a cell does not say what its column means.
        """
        edv_ml, esv_ml = (self.volume(self.filled(*names)) for names in (columns.edv_ml, columns.esv_ml))
        age_years = self.number(columns.age_years, _AGE_MAX_YEARS)
        capped = None if age_years is None else min(age_years, OLDEST_YEARS)
        volumes = judged(edv_ml, esv_ml, quoted=not self.personal)
        return replace(volumes, age_years=capped, sex=self.sex(columns.sex))

    def refuse(self, column: str, expected: str, mend: str = _OR_BLANK) -> NoReturn:
        """End with the line about this cell."""
        text = self.text(column)
        hidden = "a cell that is not shown, since it may be personal"
        quoted = repr(text if len(text) <= _LONGEST_QUOTED else text[:_LONGEST_QUOTED] + "...")
        found = "a blank cell" if not text else hidden if self.personal else quoted
        raise UserError(f"{self.sheet}, line {self.line}, column {column}: {found}; expected {expected}: {mend}")

    def _parsed(self, column: str, parse: Callable[[str], _T], expected: str) -> _T | None:
        text = self.text(column)
        try:
            return parse(text) if text else None
        except ValueError:
            self.refuse(column, expected)


def read_rows(path: Path, layout: Layout) -> list[Row]:
    """The rows of a sheet; none where there is no such file.

    Raises:
        UserError: it is no table, or not one of this layout.
    """
    if not path.is_file():
        return []
    with reading(path), path.open(newline="", encoding="utf-8-sig") as stream:
        return list(parse_rows(path, stream, layout))


def parse_rows(path: Path, lines: Iterable[str], layout: Layout) -> Iterator[Row]:
    """The rows of a sheet that is open; those without a filled cell, as spreadsheets leave them, are passed over.

    Raises:
        UserError: its first line is not of this layout, or a row has more cells.
    """
    table = csv.reader(lines)
    columns = [column.strip() for column in next(table, [])]
    _check_columns(path, columns, layout)
    for found in table:
        cells = [cell.strip() for cell in found]
        if any(cells[len(columns) :]):
            raise UserError(
                f"{path}, line {table.line_num}: more cells than the {len(columns)} columns; expected one for each: "
                f"quote what has commas"
            )
        if any(cells):
            pairs = zip_longest(columns, cells[: len(columns)], fillvalue="")
            yield Row(path, table.line_num, {column: cell for column, cell in pairs if column}, layout.personal)


def by_name(rows: Iterable[Row], *columns: str, key: Callable[[str], str] = str) -> dict[str, Row]:
    """Rows by the key of their name, which stands in one of these columns, in the order of the sheet.

    Raises:
        UserError: a row without a name, or a name that stands twice.
    """
    named: dict[str, Row] = {}
    for row in rows:
        column = row.filled(*columns)
        name = key(row.name(column))
        if name in named:
            row.refuse(column, f"each name once; line {named[name].line} has it too", "keep one of the two rows")
        named[name] = row
    return named


def _check_columns(path: Path, columns: Sequence[str], layout: Layout) -> None:
    missing = _lacking(columns, layout.needed)
    if missing and (not layout.instead or _lacking(columns, layout.instead)):
        _refuse_columns(path, f"no column {', '.join(missing)}", layout)
    known = (*layout.needed, *layout.instead, *layout.further)
    for column in columns:
        quoted = "" if layout.personal else f" {column!r}"
        if layout.closed and column not in known:
            _refuse_columns(path, f"an unknown column{quoted}", layout)
        if column and columns.count(column) > 1:
            _refuse_columns(path, f"a column{quoted} that stands twice", layout)


def _lacking(columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [column for column in wanted if column not in columns]


def _refuse_columns(path: Path, found: str, layout: Layout) -> NoReturn:
    wanted = " or ".join(", ".join(names) for names in (layout.needed, layout.instead) if names)
    further = f" and any of {', '.join(layout.further)}" if layout.further else ""
    raise UserError(f"{path}, line 1: {found}; expected {wanted}{further}: name the columns in the first line")


def _range(most: float) -> str:
    return "a number of at least 0" if most == math.inf else f"a number from 0 to {most:g}"
