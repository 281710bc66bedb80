"""Another tool's area tables: `cases.csv` and `areas/<table>.csv` (or `.csv.xz`), one row a slice of a frame."""

import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvpipe.cases import Labels, SourceCase, safe_name
from lvpipe.errors import Rejected, UserError
from lvpipe.files import reading
from lvpipe.given import NO_TABLE, SHEET, Given, cases_in_sheet, labels_in_sheet, read_sheet
from lvpipe.source_sheet import Layout, Row, parse_rows

if TYPE_CHECKING:  # imported when the workflow is parsed, which loads nothing heavy
    from numpy.typing import NDArray

    from lvpipe.area_cells import Cell

GIVES = "areas"
"""What a model of kind `given` makes to measure such a cohort."""

SHEETS = (SHEET,)

_LAYOUT = Layout(("case", "frame", "slice", "cavity_mm2"), further=("myocardium_mm2", "position_mm"))
_ENDINGS = (".csv", ".csv.xz")

_SPACING_MM = (1.0, 30.0)
"""Between which slices of a heart lie apart: Kaggle's 700 studies have 5 to 10 mm. In cm or um they do not."""

_LONGEST_MM = 250.0
"""No stack over a heart is longer: those of Kaggle have at most 140 mm. Frames that are called slices often are."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every case of `cases.csv`, which says who is in the cohort: a table may lack some."""
    return list(cases_in_sheet(read_sheet(root)))


def read_labels(root: Path) -> dict[str, Labels]:
    """Volumes, age and sex by case."""
    return labels_in_sheet(root)


def list_tables(root: Path) -> list[str]:
    """The names of the tables that are there; "" is `areas.csv`."""
    files = sorted((root / "areas").glob("*")) if (root / "areas").is_dir() else []
    found = (file.name.removesuffix(".xz").removesuffix(".csv") for file in files if file.name.endswith(_ENDINGS))
    return [*([""] if _file(root, "") else []), *dict.fromkeys(found)]


def find_table(root: Path, table: str) -> Path | None:
    """The file of a table."""
    return _file(root, table)


def cases_of(root: Path, table: str) -> set[str]:
    """The cases that a table has rows of."""
    return {safe_name(name) for row in _rows(root, table) if (name := row.text("case"))}


def read_estimates(root: Path, table: str) -> Iterator[tuple[str, Given]]:
    """Every case of `cases.csv` with what the table has of it; what it has of others is left out, in one line."""
    cells = _cells(root, table)
    sheet = read_sheet(root)
    strangers = [case for case in cells if case not in sheet]
    if strangers:
        print(f"{len(strangers)} cases of the table are not in {SHEET} and are left out, such as {strangers[0]}")
    for case, row in sheet.items():
        yield case, _given(case, cells[case], row) if case in cells else NO_TABLE


def _file(root: Path, table: str) -> Path | None:
    base = root / "areas" / table if table else root / "areas"
    return next((path for ending in _ENDINGS if (path := base.with_name(base.name + ending)).is_file()), None)


def _rows(root: Path, table: str) -> Iterator[Row]:
    path = _file(root, table)
    if path is None:
        raise UserError(f"{root}: no table {table or 'areas.csv'}; there are: {', '.join(list_tables(root)) or 'none'}")
    opened = lzma.open if path.suffix == ".xz" else open
    try:
        with reading(path), opened(path, "rt", newline="", encoding="utf-8-sig") as stream:
            yield from parse_rows(path, stream, _LAYOUT)
    except (lzma.LZMAError, EOFError) as error:
        raise UserError(f"{path}: not a whole xz file ({error}); fetch it again") from None


def _cells(root: Path, table: str) -> "dict[str, list[Cell]]":
    """The rows of a table by case; those that cannot be read are left out, in one line.

    Raises:
        UserError: most rows cannot be read: the line about the first.
    """
    cells: dict[str, list[Cell]] = {}
    unread: list[UserError] = []
    for row in _rows(root, table):
        try:
            cell = _cell(row)
            cells.setdefault(safe_name(row.name("case")), []).append(cell)
        except UserError as error:
            unread.append(error)
    if len(unread) > sum(map(len, cells.values())):
        raise unread[0]
    if unread:
        print(f"{len(unread)} rows of the table cannot be read and are left out, such as {unread[0]}")
    return cells


def _cell(row: Row) -> "Cell":
    from lvpipe.area_cells import Cell

    numbers = row.estimate("cavity_mm2"), row.estimate("myocardium_mm2"), row.estimate("position_mm")
    return Cell(_place(row, "frame"), _place(row, "slice"), *numbers)


def _place(row: Row, column: str) -> int:
    place = row.whole(column)
    return place if place is not None else row.refuse(column, "a whole number in every row", "mend the cell")


def _given(case: str, cells: "list[Cell]", row: Row) -> Given:
    """One case's areas as arrays, mended, or why there are none."""
    from lvpipe.area_cells import lay_out
    from lvpipe.beats import AreaTable

    try:
        found = lay_out(cells)
    except Rejected as reason:
        return Given(reason=str(reason))
    if found.mended:
        print(f"{case}: {'; '.join(found.mended.values())}")
    spacing_mm = row.number("slice_spacing_mm")
    positions = _positions(found.positions_tz_mm, found.slices, spacing_mm)
    if positions is None:
        return Given(reason=f"no place of its slices: neither position_mm in the table nor slice_spacing_mm in {SHEET}")
    if not _can_be(positions):
        low, high = _SPACING_MM
        return Given(reason=f"its slices are not {low:g} to {high:g} mm apart and within {_LONGEST_MM:g} mm")
    thickness_mm = row.number("slice_thickness_mm") or spacing_mm or 0.0
    table = AreaTable(found.cavity_tz_mm2, positions, thickness_mm)
    return Given(table, "", found.myocardium_tz_mm2, flags=tuple(found.mended))


def _positions(place_tz_mm: "NDArray[Any]", slices: Sequence[int], spacing_mm: float | None) -> "NDArray[Any] | None":
    """Those of the table, or the numbers of the slices times their distance: a number that is left out is a gap."""
    import numpy as np

    there = np.isfinite(place_tz_mm)
    if there.any(axis=0).all():
        return np.asarray(np.nanmedian(np.where(there, place_tz_mm, np.nan), axis=0))
    return None if not spacing_mm else np.asarray(slices, float) * spacing_mm


def _can_be(positions_mm: "NDArray[Any]") -> bool:
    """Whether slices of a heart lie so."""
    import numpy as np

    steps = np.diff(np.unique(positions_mm))
    apart = len(steps) == 0 or _SPACING_MM[0] <= np.median(steps) <= _SPACING_MM[1]
    return bool(apart and np.ptp(positions_mm) <= _LONGEST_MM)
