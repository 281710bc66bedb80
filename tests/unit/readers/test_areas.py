import lzma

import numpy as np
import pytest

from lvpipe.errors import UserError
from lvpipe.readers.areas import cases_of, find_table, list_cases, list_tables, read_estimates, read_labels

SHEET = """\
case,split,age_years,sex,slice_spacing_mm,slice_thickness_mm,systole_ml,diastole_ml
1,train,50,M,10,8,60,140
2,validate,93,f,,6,,
3,,,,10,,,
"""


@pytest.fixture
def source(tmp_path):
    """A folder with the sheet and a way to write tables."""
    (tmp_path / "cases.csv").write_text(SHEET)
    (tmp_path / "areas").mkdir()

    def write(rows, name="net.csv", columns="case,frame,slice,cavity_mm2"):
        text = "\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n"
        path = tmp_path / "areas" / name
        path.write_bytes(lzma.compress(text.encode()) if name.endswith(".xz") else text.encode())
        return tmp_path

    return write


def beat(case, areas, first_frame=0):
    return [(case, t + first_frame, z, area) for t, row in enumerate(areas) for z, area in enumerate(row)]


def test_who_is_in_the_cohort_stands_in_the_sheet(source):
    root = source([])
    assert [(case.name, case.patient, case.split) for case in list_cases(root)] == [
        ("1", "1", "train"),
        ("2", "2", "validate"),
        ("3", "3", ""),
    ]
    labels = read_labels(root)
    assert (labels["1"].edv_ml, labels["1"].esv_ml, labels["1"].age_years, labels["1"].sex) == (140, 60, 50, "M")
    assert (labels["2"].edv_ml, labels["2"].age_years, labels["2"].sex) == (None, 90, "F")


@pytest.mark.parametrize("name", ["net.csv", "net.csv.xz"])
def test_areas_become_arrays_by_frame_and_slice(source, name):
    root = source(beat(1, [[100, 200], [80, 150]])[::-1], name)
    assert list_tables(root) == ["net"]
    assert find_table(root, "net") == root / "areas" / name
    assert cases_of(root, "net") == {"1"}
    found = dict(read_estimates(root, "net"))["1"]
    np.testing.assert_array_equal(found.table.areas_tz_mm2, [[100, 200], [80, 150]])
    np.testing.assert_array_equal(found.table.positions_mm, [0, 10])
    assert found.table.thickness_mm == 8
    assert found.flags == ()


def test_a_table_without_a_name_is_areas_csv(source):
    root = source([])
    assert (find_table(root, ""), find_table(root, "other")) == (None, None)
    (root / "areas.csv").write_text("case,frame,slice,cavity_mm2\n1,0,0,1\n")
    assert list_tables(root) == ["", "net"]


def test_positions_of_the_table_win_and_myocardium_comes_along(source):
    rows = [(1, t, z, 100, 50, 7.5 * z - 30) for t in range(2) for z in range(3)]
    root = source(rows, columns="case,frame,slice,cavity_mm2,myocardium_mm2,position_mm")
    found = dict(read_estimates(root, "net"))["1"]
    np.testing.assert_array_equal(found.table.positions_mm, [-30, -22.5, -15])
    assert (found.myocardium_tz_mm2 == 50).all()


def test_a_number_of_a_slice_that_is_left_out_is_a_gap(source):
    root = source([(1, t, z, 100) for t in range(2) for z in (0, 1, 3)])
    found = dict(read_estimates(root, "net"))["1"]
    np.testing.assert_array_equal(found.table.positions_mm, [0, 10, 30])
    assert found.flags == ("slices-missing",)


FINE = beat(1, [[100, 200], [80, 150]])


def test_what_is_mended_is_flagged_and_told_in_one_line(source, capsys):
    found = dict(read_estimates(source([*beat(1, [[100, 200], [80, 150], [90, 170]]), FINE[0]]), "net"))["1"]
    assert found.flags == ("rows-twice",)
    assert capsys.readouterr().out == "1: 1 areas stand twice in the table, such as frame 0, slice 0\n"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([*FINE[:3], (1, 1, 1, -4)], "such as -4 mm2 in frame 1, slice 1; expected 0 to 12000; only 1 of 2 frames"),
        ([(2, *row[1:]) for row in FINE], "no place of its slices"),
        ([(1, t, 7 * z, 300) for t in range(2) for z in range(2)], "its slices are not 1 to 30 mm apart"),
        ([(1, t, z, 300) for t in range(2) for z in range(30)], "within 250 mm"),
        ([], "no table"),
    ],
)
def test_a_case_that_cannot_be_is_refused_with_its_reason(source, rows, words):
    case = "2" if rows and rows[0][0] == 2 else "1"
    found = dict(read_estimates(source(rows), "net"))
    assert found[case].table is None
    assert words in found[case].reason
    assert set(found) == {"1", "2", "3"}


def test_cases_that_nobody_knows_are_left_out_in_one_line(source, capsys):
    found = dict(read_estimates(source([*FINE, *beat(77, [[1, 2], [1, 2]])]), "net"))
    assert "77" not in found
    assert capsys.readouterr().out == "1 cases of the table are not in cases.csv and are left out, such as 77\n"


def test_rows_that_cannot_be_read_are_left_out_in_one_line(source, capsys):
    whole = beat(1, [[100, 200, 300, 150], [80, 150, 200, 100], [90, 170, 250, 120]])
    found = dict(read_estimates(source([*whole[:5], (1, 1, 1, "n/a"), *whole[6:], ("", 0, 0, 5)]), "net"))["1"]
    assert found.flags == ("areas-filled",)
    assert cases_of(source([*whole, ("", 0, 0, 5)]), "net") == {"1"}
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2 rows of the table cannot be read and are left out, such as ")
    assert "line 7, column cavity_mm2: 'n/a'; expected a number" in first
    assert second == "1: 1 areas are filled in from the frames next to theirs"


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        ("id,frame,slice,cavity_mm2", [], ["net.csv", "no column case", "expected case, frame"]),
        ("case,frame,slice,area", [], ["no column cavity_mm2"]),
        (
            "case,frame,slice,cavity_mm2",
            [(1, 0, 0, "big")],
            ["net.csv, line 2, column cavity_mm2: 'big'; expected a number"],
        ),
        (
            "case,frame,slice,cavity_mm2",
            [(1, 0.5, 0, 3)],
            ["net.csv, line 2, column frame: '0.5'; expected a whole number"],
        ),
        (
            "case,frame,slice,cavity_mm2",
            [(1, "", 0, 3)],
            ["line 2, column frame: a blank cell; expected a whole number"],
        ),
    ],
)
def test_a_table_that_is_none_is_one_line(source, columns, rows, words):
    with pytest.raises(UserError) as caught:
        dict(read_estimates(source(rows, columns=columns), "net"))
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_download_that_was_cut_off_is_one_line(source):
    root = source(FINE * 500, "net.csv.xz")
    path = root / "areas" / "net.csv.xz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"net\.csv\.xz: not a whole xz file"):
        dict(read_estimates(root, "net"))


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("id\n1\n", "no column case"),
        ("case\n1\n1\n", "line 3, column case: '1'; expected each name once"),
        ("case,split\n1,learn\n", "line 2, column split: 'learn'; expected train, validate, test"),
        ("case,diastole_ml\n1,many\n", "line 2, column diastole_ml: 'many'"),
    ],
)
def test_a_sheet_that_cannot_be_is_one_line(tmp_path, sheet, words):
    (tmp_path / "cases.csv").write_text(sheet)
    with pytest.raises(UserError) as caught:
        list_cases(tmp_path)
    assert words in str(caught.value)


def test_our_own_case_sheet_will_do(tmp_path):
    (tmp_path / "cases.csv").write_text("cohort,case,patient,split,edv_ml,esv_ml\nc,a,p,test,120,50\n")
    assert list_cases(tmp_path)[0].patient == "p"
    assert read_labels(tmp_path)["a"].edv_ml == 120


def test_there_is_nothing_to_convert(lvpipe, source, capsys):
    assert lvpipe("convert", source(FINE), "out.nii.gz", "--reader", "areas") == 1
    assert "--reader areas: brings estimates, no images" in capsys.readouterr().err
