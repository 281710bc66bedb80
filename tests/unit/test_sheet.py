import pytest

from lvpipe.cases import Case
from lvpipe.config.sheet import PlacedCohort, SheetOrder
from lvpipe.files import write_json, write_table
from lvpipe.sheet import COLUMNS, format_cases, parse_cases, sheet_rows, told_of
from lvpipe.tables import read_cases

LONGEST_COMMAND = 128 * 1024  # bytes of one word of a command on Linux; Snakemake hands a rule over as one


@pytest.fixture
def rows(tmp_path):
    """The sheet of a Kaggle folder: study 1 has volumes, 2 has not, 3 is not part of the run."""
    for study in ("train/1", "train/2", "test/3"):
        (tmp_path / "dsb" / study / "study").mkdir(parents=True)
    (tmp_path / "dsb" / "train.csv").write_text("Id,Systole,Diastole\n1,50.5,120.25\n")
    ledgers = {
        "x1": {"age_years": 61, "sex": "F", "status": "ok", "reason": "", "reference": {"edv_ml": 40, "esv_ml": 70}},
        "x2": {"age_years": None, "sex": "M", "status": "rejected", "reason": "one slice", "reference": None},
    }
    ledgers["x3"] = {**ledgers["x1"], "sex": "M", "complete": False, "incomplete_reason": "a gap"}
    for name, ledger in ledgers.items():
        ledger = {"complete": True, "incomplete_reason": "", **ledger}
        write_json(tmp_path / "ledgers" / f"{name}_cine.json", ledger)
    return list(sheet_rows(order(tmp_path), CASES, tmp_path / "ledgers"))


CASES = list(parse_cases(["@k/train", "x1:2:1", "x2:0:2", "x3:0:3"]))


def order(tmp_path, volumes=True):
    placed = PlacedCohort(name="k", reader="kaggle", root=str(tmp_path / "dsb"), prefix="x", volumes=volumes)
    return SheetOrder(cohorts=(placed,))


def test_who_is_in_the_run(rows, tmp_path):
    assert [(row["case"], row["cohort"], row["patient"], row["split"]) for row in rows] == [
        ("x1", "k", "1", "train"),
        ("x2", "k", "2", "train"),
        ("x3", "k", "3", "train"),
    ]
    assert [row["fold"] for row in rows] == [2, 0, 0]


def test_a_cohort_without_volumes_has_none(rows, tmp_path):
    """Nor does it get those of its contours: `volumes: false` means that nothing is calibrated or scored on them."""
    silent = list(sheet_rows(order(tmp_path, volumes=False), CASES, tmp_path / "ledgers"))
    assert [(row["edv_ml"], row["esv_ml"]) for row in silent] == [(None, None)] * 3
    assert rows[0]["edv_ml"] is not None


def test_what_lies_on_disk_places_nobody(tmp_path, rows):
    """A phantom cohort that was made smaller leaves folders behind: study 1 may lie in two splits."""
    (tmp_path / "dsb" / "test" / "1" / "study").mkdir(parents=True)
    again = list(sheet_rows(order(tmp_path), CASES, tmp_path / "ledgers"))
    assert again == rows


def test_the_sources_volumes_win_over_those_of_contours(rows):
    assert (rows[0]["edv_ml"], rows[0]["esv_ml"]) == (120.25, 50.5)


SWAPPED = "ESV 70 mL is over EDV 40 mL: are the two swapped?"


def test_volumes_that_cannot_be_are_left_out_with_the_reason(rows, tmp_path):
    """Whether they were drawn, as those of x3, or stand in the sheet: then what was drawn does not help."""
    assert [rows[2][name] for name in ("edv_ml", "esv_ml", "volumes_left_out")] == [None, None, SWAPPED]
    assert rows[0]["volumes_left_out"] == ""
    (tmp_path / "dsb" / "train.csv").write_text("Id,Systole,Diastole\n1,0.05,0.12\n")
    again = next(sheet_rows(order(tmp_path), CASES, tmp_path / "ledgers"))
    assert (again["edv_ml"], again["esv_ml"], again["status"]) == (None, None, "ok")
    assert again["volumes_left_out"].startswith("EDV 0.12 looks like litres")
    silent = sheet_rows(order(tmp_path, volumes=False), CASES, tmp_path / "ledgers")
    assert {row["volumes_left_out"] for row in silent} == {""}


def test_the_log_names_who_is_left_out_and_who_lacks_volumes(rows, tmp_path):
    assert list(told_of(order(tmp_path), rows)) == [
        f"x3 (k): its volumes are left out: {SWAPPED}",
        "k: no EDV, no ESV or neither is known of 1 cases: x2",
    ]


def test_a_rejected_case_stands_there_with_its_reason(rows):
    assert (rows[1]["status"], rows[1]["reason"], rows[1]["edv_ml"]) == ("rejected", "one slice", None)


def test_an_incomplete_stack_stands_there_with_its_reason(rows):
    assert (rows[2]["status"], rows[2]["reason"]) == ("incomplete", "a gap")


def test_who_brought_no_estimate_is_rejected_without_a_ledger(tmp_path):
    (tmp_path / "areas").mkdir()
    (tmp_path / "cases.csv").write_text("case,age_years,sex,diastole_ml\n1,61,F,120\n2,,,\n")
    (tmp_path / "areas" / "net.csv").write_text("case,frame,slice,cavity_mm2\n1,0,0,500\n")
    placed = PlacedCohort(
        name="k", reader="areas", root=str(tmp_path), prefix="x", volumes=True, tables=("net",), options={}
    )
    known, absent = sheet_rows(SheetOrder(cohorts=(placed,)), CASES[:2], tmp_path / "nowhere")
    assert (known["status"], known["edv_ml"], known["age_years"], known["sex"]) == ("ok", 120, 61, "F")
    assert (absent["status"], absent["reason"].split(":")[0]) == ("rejected", "no table")


def test_the_sheet_survives_the_disk(rows, tmp_path):
    write_table(tmp_path / "cases.csv", COLUMNS, rows)
    read = read_cases(tmp_path / "cases.csv")
    assert read["x1"].edv_ml == 120.25
    assert read["x2"].reason == "one slice"
    assert read["x3"].volumes_left_out == SWAPPED


def test_cases_survive_the_command_line():
    cases = [
        Case("1", "bowl", "1", "train", 2, ()),
        Case("2", "bowl", "2", "train", 0, ()),
        Case("a.SCD01", "drawn", "SCD01", "test", 1, ()),
        Case("b", "drawn", "of a: strange source", "train", 1, ()),
    ]
    assert list(parse_cases(format_cases(cases))) == cases
    assert list(format_cases(cases))[:3] == ["@bowl/train", "1:2", "2:0"]


def test_ten_thousand_cases_fit_into_one_command():
    words = format_cases(Case(str(number), "bowl", str(number), "train", 4, ()) for number in range(10_000))
    assert len(" ".join(words)) < LONGEST_COMMAND
