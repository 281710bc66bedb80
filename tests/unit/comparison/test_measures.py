"""Figures from the tables of a run."""

import math

import pytest

from lvpipe.comparison.measures import Asked, Tables
from lvpipe.errors import UserError
from lvpipe.files import write_table

COLUMNS = ("model", "split", "estimate", "reference", "error")
ROWS = (
    ("m", "test", 90.0, 100.0, -10.0),
    ("m", "test", 60.0, 50.0, 10.0),
    ("m", "test", 75.0, 70.0, 5.0),
    ("m", "test", 5.0, 0.0, 5.0),  # nothing to be relative to
    ("m", "test", None, 80.0, None),
    ("m", "train", 1.0, 1.0, 0.0),
    ("other", "test", 3.0, 1.0, 2.0),
)
RELATIVE = (0.1 + 0.2 + 5 / 70) / 3


@pytest.fixture
def tables(tmp_path):
    write_table(tmp_path / "cases.csv", COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS])
    for fold, value in enumerate((0.5, 0.7)):
        write_table(tmp_path / f"fold-{fold}.csv", ("model", "dice"), [{"model": "m", "dice": value}])
    return Tables(tmp_path, [tmp_path / "fold-0.csv", tmp_path / "fold-1.csv"])


MINE = {"model": "m", "split": "test"}


@pytest.mark.parametrize(
    ("measure", "column", "against", "expected"),
    [
        ("mean", "reference", "", 60),
        ("relative_error", "estimate", "reference", RELATIVE),
        ("error_share", "error", "reference", RELATIVE),
        ("absolute_error", "estimate", "reference", 7.5),
        ("pearson_r", "estimate", "reference", 4600 / (4125 * 5300) ** 0.5),
    ],
)
def test_a_measure_takes_the_rows_that_fit_and_are_known(tables, measure, column, against, expected):
    found = tables.find(Asked("cases", MINE, measure, column, against))
    assert found.value == pytest.approx(expected)
    assert len(found.rows) == (4 if against else 5), "those that are known"


def test_cases_may_be_asked_for_from_one_number_to_another(tmp_path):
    rows = [{"case": case, "dice": i} for i, case in enumerate(("1", "25", "26", "SC-9"))]
    write_table(tmp_path / "cases.csv", ("case", "dice"), rows)
    found = Tables(tmp_path).find(Asked("cases", {"case": "1..25"}, "mean", "dice"))
    assert [row["case"] for row in found.rows] == ["1", "25"]


def test_the_folds_of_a_leak_are_one_table(tables):
    assert tables.find(Asked("leak", {"model": "m"}, "mean", "dice")).value == pytest.approx(0.6)


def test_no_row_is_no_figure(tables):
    assert math.isnan(tables.find(Asked("cases", {"model": "x"}, "relative_error", "estimate", "reference")).value)


def test_a_column_that_is_not_there_is_named(tables):
    with pytest.raises(UserError, match=r"cases.csv has no column dice; expected one of: model"):
        tables.find(Asked("cases", MINE, "mean", "dice"))
