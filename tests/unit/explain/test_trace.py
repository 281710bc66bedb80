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
    assert text.splitlines()[-2:] == [
        "Compared: 5 links by hash, 0 by time alone, the source files with the ledger.",
        "Everything compared agrees, back to the source files.",
    ]


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


def test_a_link_without_a_kept_hash_is_told_apart(traced, run):
    inputs = ["results/convert/1_cine.nii.gz", "results/convert/cases.csv"]
    run("results/unet/1_areas.csv", "", inputs=inputs, kept=False)
    _, text = traced("results/unet/1_areas.csv")
    assert text.count("    compared by its time alone\n") == 2
    compared, why, verdict = text.splitlines()[-3:]
    assert compared == "Compared: 3 links by hash, 2 by time alone, the source files with the ledger."
    assert "no hash of files above 1 MB" in why
    assert verdict == "Everything compared agrees, back to the source files."


def test_without_a_ledger_no_source_is_claimed(traced, run):
    run("results/convert/1_cine.json", "{}", inputs=["source/1/note.txt"])
    _, text = traced("results/convert/1_cine.json")
    assert text.splitlines()[-1] == "Everything compared agrees; no source files were reached."


def test_a_file_in_which_the_case_has_no_part(traced, run):
    run("results/unet/SCD01_areas.csv", inputs=[])
    run("results/history.csv", inputs=["results/unet/SCD01_areas.csv"])
    _, text = traced("results/history.csv", "1")
    told = "No input of this file concerns case 1: nothing was followed, and nothing compared."
    assert text.splitlines()[-1] == told
    run("results/history.csv", inputs=["results/unet/SCD01_areas.csv"], ended=1e9)
    _, text = traced("results/history.csv", "1")
    assert text.splitlines()[-3:-1] == [told, "1 thing does not agree:"]


def test_a_file_that_was_made_from_no_other(traced, run):
    run("results/phantom/1", inputs=[])
    assert "This file was made from no other" in traced("results/phantom/1", "1")[1].splitlines()[-1]


def test_a_source_that_is_gone_is_said_once(traced, run):
    (run.folder / "source" / "1" / "note.txt").unlink()
    _, text = traced("results/unet/1_areas.csv")
    assert "source: not compared with the ledger" in text
    assert text.splitlines()[-3:] == [
        "Compared: 3 links by hash, 0 by time alone.",
        "1 thing does not agree:",
        "    source/1/note.txt is gone",
    ]


def test_without_a_case_sheet_the_case_must_be_named(traced, run):
    (run.folder / "results" / "convert" / "cases.csv").unlink()
    told = "lvpipe trace: results/unet/1_areas.csv: there is no case sheet yet (results/convert/cases.csv)"
    assert traced("results/unet/1_areas.csv")[1].startswith(told)
    assert traced("results/unet/1_areas.csv", "1")[0] == 0


def test_a_folder_in_which_nothing_ran(lvpipe, tmp_path, capsys):
    assert lvpipe("trace", "results/crps.csv", "1", "--directory", tmp_path) == 1
    assert "nothing was run here" in capsys.readouterr().err


@pytest.mark.parametrize(("place", "told"), [("train,1", 0.3), ("test,1", 0.6)])
def test_what_was_chosen_stands_below_the_settings_that_it_replaces(traced, run, place, told):
    run("results/convert/cases.csv", f"case,cohort,split,fold,status,reason\n1,c,{place},ok,\n", inputs=[])
    choices = {fold: {"chosen": {"threshold": value}} for fold, value in (("0", 0.4), ("1", 0.3), ("all", 0.6))}
    run("results/postprocess/unet/choices.json", json.dumps(choices), inputs=[])
    made_of = ["results/convert/1_cine.nii.gz", "results/postprocess/unet/choices.json"]
    run("results/postprocess/unet/1_mask.nii.gz", "", inputs=made_of, params=['{"threshold":0.5}'])
    _, text = traced("results/postprocess/unet/1_mask.nii.gz")
    assert f"    threshold=0.5\n    chosen by drawn cases, in place of the above: threshold={told}\n" in text
    (run.folder / "results" / "postprocess" / "unet" / "choices.json").write_text("[]")
    code, text = traced("results/postprocess/unet/1_mask.nii.gz")
    assert (code, "chosen by" in text) == (0, False)


def test_the_chain_of_a_head_of_areas_goes_through_the_training_whose_head_it_is(run, lvpipe, capsys):
    def train(model, *inputs):
        file = f"results/train/{model}/fold-0/model.safetensors"
        run(file, model, inputs=inputs, rule="train")
        return file

    first = train("first")
    weights = train("hfcn", first)
    run("results/convert/cases.csv", "case,cohort,status\n1,c,ok\n", inputs=[])
    run("results/regress/head/1_areas.csv", "case,cavity_mm2\n1,300\n", inputs=[weights], rule="regress_areas_0_all")
    run("results/integrate/head/c_volumes.csv", "case,edv_ml\n1,90\n", inputs=["results/regress/head/1_areas.csv"])
    run("results/integrate/other/c_volumes.csv", "case,edv_ml\n1,99\n", inputs=[train("other")])
    both = [f"results/integrate/{model}/c_volumes.csv" for model in ("head", "other")]
    run("results/crps.csv", "model,crps\nhead,0.01\n", inputs=both)
    words = ("results/crps.csv", "1", "--model", "head", "--directory", run.folder)
    assert lvpipe("trace", *words) == 0
    text = capsys.readouterr().out
    steps = [line.split()[0] for line in text.splitlines() if line.startswith("results/")]
    assert steps == ["results/crps.csv", both[0], "results/regress/head/1_areas.csv", weights, first]
    assert "cavity_mm2=300" in text


def test_the_chain_of_a_forecast_of_several_goes_through_each_of_them(run, lvpipe, capsys):
    run("results/convert/cases.csv", "case,cohort,status\n1,c,ok\n", inputs=[])
    run("results/train/net/fold-0/model.safetensors", inputs=[])
    weights = "results/train/net/fold-0/model.safetensors"
    for model, inputs in (("mean", [weights]), ("head", [weights]), ("other", [])):
        run(f"results/segment/{model}/1_prob.nii.gz", inputs=inputs)
        run(f"results/integrate/{model}/c_volumes.csv", "case\n1\n", inputs=[f"results/segment/{model}/1_prob.nii.gz"])
    tables = [f"results/integrate/{model}/c_volumes.csv" for model in ("mean", "head")]
    run("results/calibrate/stack/forecasts.csv", "Id\n1_Systole\n", inputs=tables)
    run("results/crps.csv", inputs=["results/calibrate/stack/forecasts.csv", "results/integrate/other/c_volumes.csv"])
    words = ("results/crps.csv", "1", "--model", "stack", "--directory", run.folder)
    assert lvpipe("trace", *words) == 0
    steps = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("results/")}
    assert {*tables, weights} < steps
    assert not any("other" in step for step in steps)
