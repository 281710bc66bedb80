"""One figure from the tables of a run: which rows of which table, and what is made of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lvpipe.errors import UserError
from lvpipe.files import read_table
from lvpipe.metrics import pearson_r
from lvpipe.tables import number

Row = Mapping[str, str]
_Values = NDArray[np.float64]

LEAK: Final = "leak"
"""The rows of all tables of `score leak`."""


class Asked(NamedTuple):
    """How a figure is found; `against` is a second column, for measures of two."""

    table: str
    where: Mapping[str, str]
    measure: str
    column: str
    against: str = ""


class Found(NamedTuple):
    """A figure and the rows that it is of; NaN where they say nothing."""

    value: float
    rows: Sequence[Row]


class Tables:
    """The tables of one run, each read when it is asked for."""

    def __init__(self, results: Path, leaks: Sequence[Path] = ()) -> None:
        self._results, self._leaks = results, leaks
        self._read: dict[str, list[dict[str, str]]] = {}

    def find(self, asked: Asked) -> Found:
        """The figure that is asked for.

        Raises:
            UserError: the table has no such column.
        """
        rows = [row for row in self._rows(asked.table) if _fits(row, asked)]
        columns = [[number(_cell(row, name, asked)) for row in rows] for name in (asked.column, asked.against) if name]
        pairs = np.array(columns, float).reshape(len(columns), -1)
        known = np.isfinite(pairs).all(axis=0)
        value = MEASURES[asked.measure](*pairs[:, known]) if known.any() else float("nan")
        return Found(value, [row for row, counts in zip(rows, known, strict=True) if counts])

    def _rows(self, table: str) -> list[dict[str, str]]:
        if table not in self._read:
            paths = self._leaks if table == LEAK else [self._results / f"{table}.csv"]
            self._read[table] = [row for path in paths for row in read_table(path)]
        return self._read[table]


def _fits(row: Row, asked: Asked) -> bool:
    return all(_is(_cell(row, name, asked), value) for name, value in asked.where.items())


def _is(cell: str, wanted: str) -> bool:
    low, dots, high = wanted.partition("..")
    return int(low) <= int(cell) <= int(high) if dots and cell.isdecimal() else cell == wanted


def _cell(row: Row, name: str, asked: Asked) -> str:
    if name not in row:
        raise UserError(f"{asked.table}.csv has no column {name}; expected one of: {', '.join(row)}")
    return row[name]


def _mean(values: _Values) -> float:
    return float(values.mean())


def _relative(values: _Values, references: _Values) -> float:
    """The mean of |estimate - reference| / reference, over references above 0."""
    there = references > 0
    return float((np.abs(values - references)[there] / references[there]).mean()) if there.any() else float("nan")


def _share(errors: _Values, references: _Values) -> float:
    """The mean of |error| / reference, over references above 0."""
    return _relative(references + errors, references)


def _absolute(values: _Values, references: _Values) -> float:
    return float(np.abs(values - references).mean())


MEASURES: Final[Mapping[str, Callable[..., float]]] = {
    "mean": _mean,
    "relative_error": _relative,
    "error_share": _share,
    "absolute_error": _absolute,
    "pearson_r": pearson_r,
}
"""What is made of the columns of all rows that fit; the mean of one row is its cell."""
