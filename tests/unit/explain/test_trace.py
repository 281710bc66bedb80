import json

import pytest


@pytest.fixture
def traced(run, lvpipe, capsys):
    """A rejected case with its sheet, ledger and zero-byte cine, traced by the command."""
    run("source/1/note.txt", "")
    ledger = {
        "reader": "kaggle",
        "status": "rejected",
        "reason": "no short-axis images",
        "files": {"count": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        "slice_files": [],
        "events": [{"rule": "drop_other_planes", "what": "8 images dropped", "position_mm": 1.5}],
    }
    run("results/convert/1_cine.json", json.dumps(ledger), inputs=["source/1/note.txt"], rule="convert_c")
    run("results/convert/1_cine.nii.gz", "", inputs=["source/1/note.txt"], params=['{"slices_min":2}'])
    sheet = "case,cohort,status,reason\n1,c,rejected,no short-axis images\nSCD01,c,ok,\n"
    run("results/convert/cases.csv", sheet, inputs=["results/convert/1_cine.json"])
    run("results/unet/1_areas.csv", "", inputs=["results/convert/1_cine.nii.gz", "results/convert/cases.csv"])

    def trace(*words):
        code = lvpipe("trace", *words, "--directory", run.folder)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return trace


def test_a_rejected_case_is_traced_to_its_reason(traced):
    code, text = traced("results/unet/1_areas.csv", "1")
    assert code == 0
    assert "rejected: no short-axis images" in text.splitlines()[:2]
    assert "empty: the case was rejected" in text
    assert "status rejected: no short-axis images, 0 files, 1 event" in text
    assert "drop_other_planes at 1.5 mm: 8 images dropped" in text
    assert "slices_min=2" in text
    assert text.splitlines()[-1].startswith("Everything agrees")


def test_the_case_may_be_left_out_where_the_file_says_it(traced):
    assert traced("results/unet/1_areas.csv") == traced("results/unet/1_areas.csv", "1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["results/convert/cases.csv", "SCD1"], "case SCD1 is not in this run; expected one like SCD01"),
        (["results/convert/cases.csv"], "results/convert/cases.csv is about many cases: name one of 1, SCD01"),
        (["results/unet/1_areas.csv", "SCD01"], "results/unet/1_areas.csv is of case 1, not of SCD01"),
        (["results/other.csv", "1"], "results/other.csv is not there; expected a result of this run"),
        (["source/1/note.txt", "1"], "source/1/note.txt was made by no rule; expected a result of this run"),
        (["results/unet/1_areas.csv", "--model", "x"], "model x is not in this run"),
    ],
)
def test_a_mistake_is_one_line(traced, words, told):
    code, text = traced(*words)
    assert code == 1
    assert text.startswith(f"lvpipe trace: {told}")
    assert text.count("\n") == 1


def test_a_broken_file_does_not_end_the_chain(traced, run):
    (run.folder / "results" / "convert" / "1_cine.nii.gz").write_text("by hand")
    code, text = traced("results/unet/1_areas.csv")
    assert code == 0
    assert "cannot be read" in text
    assert text.splitlines()[-2:] == [
        "1 thing does not agree:",
        "    results/convert/1_cine.nii.gz changed since results/unet/1_areas.csv was made from it",
    ]


def test_a_folder_in_which_nothing_ran(lvpipe, tmp_path, capsys):
    assert lvpipe("trace", "results/crps.csv", "1", "--directory", tmp_path) == 1
    assert "nothing was run here" in capsys.readouterr().err
