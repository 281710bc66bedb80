import subprocess
import sys

import pytest

from lvpipe.cases import Labels
from lvpipe.errors import UserError
from lvpipe.source_sheet import LABELS, LabelColumns, Layout, by_name, read_rows

LAYOUT = Layout(("case",))
CLOSED = Layout(("case",), ("folder",), ("split", *LABELS.names), closed=True)


@pytest.fixture
def rows(tmp_path):
    """The rows of a sheet of this text."""

    def read(text, layout=LAYOUT):
        (tmp_path / "cases.csv").write_text(text, encoding="utf-8")
        return read_rows(tmp_path / "cases.csv", layout)

    return read


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("case,edv_ml,esv_ml,age_years,sex\nx,150,60.5,61,F\n", Labels(150, 60.5, 61, "F")),
        ("case,diastole_ml,systole_ml,sex\nx, 150 ,60.5,female\n", Labels(150, 60.5, None, "F")),
        ("\ufeffcase, age_years ,sex\nx,93,m\n", Labels(None, None, 90, "M")),
        ("case,diastole_ml,edv_ml,sex\nx,,120,MALE\n", Labels(120, None, None, "M")),
        ("case,edv_ml\nx\n", Labels()),
        ("case,edv_ml,\nx,1e2,7\n", Labels(100)),
    ],
)
def test_labels(rows, text, labels):
    (row,) = rows(text)
    assert (row.name("case"), row.labels()) == ("x", labels)


def test_a_source_has_names_of_its_own(rows):
    (row,) = rows("case,Diastole,Systole,Age,Gender,edv_ml\nx,150,60,57.0,Male,1\n")
    assert row.labels(LabelColumns(("Diastole",), ("Systole",), "Age", "Gender")) == Labels(150, 60, 57, "M")
    assert row.labels(LabelColumns((), (), "Age", "Gender")) == Labels(None, None, 57, "M")


BAD_CELLS = [
    ("edv_ml", "many", "a number of mL"),
    ("systole_ml", "inf", "a number of mL"),
    ("diastole_ml", "nan", "a number of mL"),
    ("age_years", "nan", "a number from 0 to 130"),
    ("age_years", "-5", "a number from 0 to 130"),
    ("age_years", "1961", "a number from 0 to 130"),
    ("sex", "woman", "F, M, female, male or nothing"),
]


@pytest.mark.parametrize(("column", "cell", "expected"), BAD_CELLS)
def test_a_bad_cell_is_one_line(rows, tmp_path, column, cell, expected):
    _, row = rows(f"case,{column}\ngood,\nx,{cell}\n")
    with pytest.raises(UserError) as told:
        row.labels()
    assert str(told.value) == (
        f"{tmp_path / 'cases.csv'}, line 3, column {column}: {cell!r}; expected {expected}: "
        f"mend the cell or leave it blank"
    )


def test_of_a_long_cell_the_beginning_is_quoted(rows):
    (row,) = rows(f"case,edv_ml\nx,{'9' * 5000}e\n")
    with pytest.raises(UserError, match=r"column edv_ml: '9{60}\.\.\.'; expected"):
        row.labels()


@pytest.mark.parametrize(("column", "cell", "expected"), [*BAD_CELLS, ("case", "", "a name")])
def test_a_personal_cell_is_not_quoted(rows, column, cell, expected):
    (row,) = rows(f"case,split,{column}\n,train,{cell}\n".replace(",case", ""), Layout(("case",), personal=True))
    with pytest.raises(UserError, match=f"line 2, column {column}: .*; expected {expected}") as told:
        row.labels() if cell else row.name(column)
    assert f"'{cell}'" not in str(told.value)
    assert ("not shown" in str(told.value)) == bool(cell)


@pytest.mark.parametrize(
    ("read", "cell", "expected"),
    [
        (lambda row: row.split(), "training", "train, validate, test or nothing"),
        (lambda row: row.whole("split"), "1.5", "a whole number of at least 0"),
        (lambda row: row.whole("split"), "-1", "a whole number of at least 0"),
        (lambda row: row.estimate("split"), "big", "a number"),
        (lambda row: row.choice("split", ("a", "b")), "c", "a, b or nothing"),
    ],
)
def test_other_cells(rows, read, cell, expected):
    (row,) = rows(f"case,split\nx,{cell}\n")
    with pytest.raises(UserError, match=f"line 2, column split: '{cell}'; expected {expected}: mend"):
        read(row)


def test_estimates_are_any_numbers_and_wholes_may_be_blank(rows):
    (row,) = rows("case,a,b\nx,-4,\n")
    assert row.estimate("a") == -4
    assert row.estimate("b") != row.estimate("b")
    assert (row.whole("b"), row.number("none"), row.split()) == (None, None, "")


def test_volumes_that_cannot_be_are_left_out_and_the_rest_is_kept(rows):
    (row,) = rows("case,systole_ml,diastole_ml,age_years,sex\nx,140,60,61,F\n")
    left_out = "ESV 140 mL is over EDV 60 mL: are the two swapped?"
    assert row.labels() == Labels(age_years=61, sex="F", left_out=left_out)


@pytest.mark.parametrize("cells", ["140,60", "19610403,60", "0,60", "60,60"])
def test_of_a_personal_sheet_the_reason_quotes_nothing(rows, cells):
    (row,) = rows(f"case,systole_ml,diastole_ml\nx,{cells}\n", Layout(("case",), personal=True))
    left_out = row.labels().left_out
    assert left_out
    assert not any(cell in left_out for cell in cells.split(",") if cell != "0")


@pytest.mark.parametrize(
    ("text", "layout", "words"),
    [
        ("", LAYOUT, "line 1: no column case; expected case: name the columns"),
        ("edv_ml\n1\n", CLOSED, "no column case; expected case or folder and any of split, diastole_ml"),
        ("case,Meier\nx,1\n", CLOSED, "an unknown column 'Meier'"),
        ("case,Meier\nx,1\n", Layout(("case",), closed=True, personal=True), "an unknown column; expected case"),
        ("case,sex,sex\nx,F,M\n", LAYOUT, "a column 'sex' that stands twice"),
        ("case,sex\nx,F,M\n", LAYOUT, "line 2: more cells than the 2 columns; expected one for each: quote"),
    ],
)
def test_a_sheet_that_is_none_is_one_line(rows, text, layout, words):
    with pytest.raises(UserError) as told:
        rows(text, layout)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_rows_by_name(rows):
    found = by_name(rows("folder,sex\n b ,F\n,\na,M,,\n", CLOSED), "case", "folder", key=str.upper)
    assert [(name, row.line, row.sex("sex")) for name, row in found.items()] == [("B", 2, "F"), ("A", 4, "M")]
    with pytest.raises(UserError, match=r"line 3, column case: 'X'; expected each name once; line 2 has it too: keep"):
        by_name(rows("case\nx\nX\n"), "case", key=str.upper)
    with pytest.raises(
        UserError, match=r"line 3, column case: a blank cell; expected a name in every row: mend the ce"
    ):
        by_name(rows("case,sex\nx,F\n,F\n"), "case")


def test_a_sheet_that_is_not_there_has_no_rows(tmp_path):
    assert read_rows(tmp_path / "cases.csv", LAYOUT) == []


def test_it_loads_nothing_heavy():
    code = "import sys, lvpipe.source_sheet; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "pydicom", "pydantic", "nibabel"} & set(loaded)
