import math

import pytest

from lvpipe.tables import number, of_split, read_cases


def test_the_case_sheet_as_rows(sheet):
    path = sheet(
        {"case": "a", "edv_ml": 120.5, "esv_ml": 50, "age_years": 61, "sex": "F"},
        {"case": "b", "cohort": "d", "split": "test", "status": "rejected", "reason": "two slices"},
    )
    rows = read_cases(path)
    assert list(rows) == ["a", "b"]
    assert (rows["a"].reference_ml("EDV"), rows["a"].reference_ml("ESV")) == (120.5, 50)
    assert (rows["a"].age_years, rows["a"].sex, rows["a"].cohort) == (61, "F", "c")
    assert math.isnan(rows["b"].reference_ml("EDV"))
    assert (rows["b"].status, rows["b"].reason) == ("rejected", "two slices")
    assert [row.case for row in of_split(rows.values(), "train", "validate")] == ["a"]
    assert [row.case for row in of_split(rows.values(), "test")] == ["b"]


@pytest.mark.parametrize(("cell", "value"), [("1.5", 1.5), ("0", 0.0), ("-3e2", -300.0)])
def test_cells(cell, value):
    assert number(cell) == value


@pytest.mark.parametrize("cell", ["", None])
def test_an_empty_cell_is_no_number(cell):
    assert math.isnan(number(cell))
