"""Cohorts that bring their estimates: what the readers `areas` and `masks` share, and the sheet `cases.csv`.

Standard library alone: it is imported when the workflow is parsed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvpipe.cases import NO_ESTIMATE, Labels, SourceCase, safe_name
from lvpipe.source_sheet import Layout, Row, by_name, read_rows

if TYPE_CHECKING:  # imported when the workflow is parsed, which loads nothing heavy
    from numpy.typing import NDArray

    from lvpipe.beats import AreaTable

SHEET = "cases.csv"


@dataclass(frozen=True, eq=False)
class Given:
    """What a source has of one case: its areas, or the reason why there are none."""

    table: "AreaTable | None" = None
    reason: str = ""
    myocardium_tz_mm2: "NDArray[Any] | None" = None
    times_ms: Sequence[float] | None = None
    flags: tuple[str, ...] = ()


NO_TABLE = Given(reason=NO_ESTIMATE)


def read_sheet(root: Path) -> dict[str, Row]:
    """The rows of `cases.csv` by safe name; nothing where there is no such file.

    Raises:
        UserError: it has no column `case`, or a case twice.
    """
    return by_name(read_rows(root / SHEET, Layout(("case",))), "case", key=safe_name)


def cases_in_sheet(rows: Mapping[str, Row]) -> Iterator[SourceCase]:
    """The cases of a sheet, in its order.

    Raises:
        UserError: a split that nobody knows, or a cell that does not say what its column means.
    """
    for name, row in rows.items():
        row.labels()  # a mistake is told when the workflow is parsed
        patient = row.text("patient")
        yield SourceCase(name, safe_name(patient) if patient else name, row.split(), ())


def labels_in_sheet(root: Path) -> dict[str, Labels]:
    """Volumes, age and sex by case; a blank cell says nothing.

    Raises:
        UserError: a cell that does not say what its column means.
    """
    return {name: row.labels() for name, row in read_sheet(root).items()}
