"""Cohorts that bring another tool's masks and area tables, with studies of which little or nothing is there."""

import csv
import os
import sys
from html import unescape

import numpy as np
import pytest
import yaml

from lvpipe.images import Image, write_image

from .conftest import ROOT, Workflow

HEARTS = 24
SLICES, FRAMES, PIXELS = 7, 4, 24
SHAPE = np.array([0.5, 0.8, 1.0, 0.9, 0.7, 0.5, 0.3])
OVERLAY = {
    "folds": 3,
    "data_root": "source",
    "cohorts": [
        {"name": "drawn", "reader": "masks", "path": "drawn", "volumes": True, "test_share": 0.2},
        {"name": "tables", "reader": "areas", "path": "tables", "volumes": True, "prefix": "t-"},
    ],
    "models": [
        {"name": "tool", "kind": "given", "makes": "masks"},
        {"name": "net1", "kind": "given", "makes": "areas", "table": "one"},
        {"name": "net2", "kind": "given", "makes": "areas", "table": "two"},
        {"name": "stack", "kind": "combines", "of": ["net1", "net2"]},
    ],
}


def mask(scale, slices=SLICES):
    """A square cavity that beats; sides from the shape, so that areas follow it as far as pixels let them."""
    array = np.zeros((FRAMES, slices, PIXELS, PIXELS), np.uint8)
    for t, beat in enumerate((1.0, 0.8, 0.6, 0.8)):
        for z in range(slices):
            side = round(np.sqrt(scale * beat * SHAPE[z]) * 14)
            array[t, z, 2 : 2 + side, 2 : 2 + side] = 1
    return array


def volumes(scale):
    return 0.36 * 196 * SHAPE.sum() * scale * 0.6, 0.36 * 196 * SHAPE.sum() * scale


def write_source(folder):
    """Two cohorts of the same hearts, and in the first three that are not as they should be."""
    random = np.random.default_rng(0)
    rows, lines = [], {"one": [], "two": []}
    for i in range(HEARTS):
        scale = 0.6 + 1.0 * i / HEARTS
        systole, diastole = (round(v * random.normal(1, 0.05), 1) for v in volumes(scale))
        known = f"{systole},{diastole}" if i % 6 else ","  # every sixth has no volumes
        rows.append(f"c{i},{20 + 2 * i},{'FM'[i % 2]},{known},10")
        array = mask(scale)
        write_image(folder / "drawn" / f"c{i}.nii.gz", Image(array, np.diag([6.0, 6.0, 10.0, 1.0])))
        for table, factor in (("one", 1.0), ("two", 1.1)):
            lines[table] += [
                f"c{i},{t},{z},{36 * int(array[t, z].sum()) * factor}" for t in range(FRAMES) for z in range(SLICES)
            ]
    write_image(folder / "drawn" / "three.nii.gz", Image(mask(1.5, 3), np.diag([6.0, 6.0, 10.0, 1.0])))
    (folder / "drawn" / "unreadable.nii.gz").write_bytes(b"not an image")
    odd = ["three,,,70,120,", "unreadable,44,M,110,60,", "unknown,,,,,"]
    head = "case,age_years,sex,systole_ml,diastole_ml,slice_spacing_mm"
    (folder / "drawn" / "cases.csv").write_text("\n".join([head, *rows, *odd]) + "\n")
    (folder / "tables" / "areas").mkdir(parents=True)
    (folder / "tables" / "cases.csv").write_text("\n".join([head, *rows]) + "\n")
    for table, cells in lines.items():
        text = "\n".join(["case,frame,slice,cavity_mm2", *cells]) + "\n"
        (folder / "tables" / "areas" / f"{table}.csv").write_text(text)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The whole workflow on them; no image, no training."""
    home = tmp_path_factory.mktemp("given")
    (home / "run").mkdir()
    write_source(home / "run" / "source")
    (home / "given.yaml").write_text(yaml.safe_dump(OVERLAY))
    workflow = Workflow(ROOT, home / "run")
    answer = workflow.run(words_of(workflow, "snakemake", "--cores", "2"))
    assert answer.code == 0, answer.text[-5000:]
    return workflow


def words_of(workflow, *command):
    words = [
        sys.executable,
        "-m",
        *command,
        "--directory",
        str(workflow.folder),
        "--snakefile",
        str(ROOT / "Snakefile"),
    ]
    return [*words, "--configfile", str(workflow.folder.parent / "given.yaml")]


def table(run, path):
    return list(csv.DictReader((run.folder / "results" / path).open()))


def test_nothing_is_converted_trained_or_segmented(run):
    made = {path.name for path in (run.folder / "results").iterdir()}
    assert made == {
        "convert",
        "integrate",
        "calibrate",
        "score",
        "crps.csv",
        "dice.csv",
        "segmentation.csv",
        "cases.csv",
        "report",
    }
    assert {path.name for path in (run.folder / "results" / "convert").iterdir()} == {"cases.csv", "ledger.csv"}


def test_volumes_that_cannot_be_are_left_out_and_told(run):
    (row,) = (row for row in table(run, "convert/cases.csv") if row["volumes_left_out"])
    assert (row["case"], row["edv_ml"], row["esv_ml"]) == ("unreadable", "", "")
    assert row["volumes_left_out"] == "ESV 110 mL is over EDV 60 mL: are the two swapped?"
    told = (run.folder / "logs" / "convert" / "cases.log").read_text().splitlines()
    assert f"unreadable ({row['cohort']}): its volumes are left out: {row['volumes_left_out']}" in told
    assert row["volumes_left_out"] in (run.folder / "results" / "report" / "index.html").read_text()


def test_every_case_has_a_forecast_and_says_by_what(run):
    rows = {row["case"]: row for row in table(run, "cases.csv") if row["model"] == "tool"}
    assert len(rows) == HEARTS + 3
    assert all(float(row["edv_mean_ml"]) > 0 and float(row["esv_mean_ml"]) > 0 for row in rows.values())
    odd = {case: (rows[case]["status"], rows[case]["fallback"]) for case in ("three", "unreadable", "unknown")}
    assert odd == {
        "three": ("incomplete", "slices"),
        "unreadable": ("rejected", "age_sex"),
        "unknown": ("rejected", "cohort"),
    }
    assert all("fallback" in rows[case]["flags"].split() for case in odd)
    assert rows["unreadable"]["reason"] == "its mask is not a readable NIfTI"
    assert rows["three"]["reason"] == "3 slices; a volume needs 4"
    assert {row["fallback"] for case, row in rows.items() if case not in odd} == {""}
    ids = {row["Id"] for row in table(run, "calibrate/tool/forecasts.csv")}
    assert ids == {f"{case}_{word}" for case in rows for word in ("Systole", "Diastole")}


def test_forecasts_are_better_than_none(run):
    rows = {
        (row["model"], row["cohort"], row["split"], row["volume"]): float(row["crps"]) for row in table(run, "crps.csv")
    }
    for model, cohort in (("tool", "drawn"), ("net1", "tables"), ("net2", "tables"), ("stack", "tables")):
        assert rows[model, cohort, "train", "both"] < 0.5 * rows["climatology", cohort, "train", "both"]


def test_each_model_measures_the_cohort_that_brought_its_table(run):
    assert {(row["model"], row["cohort"]) for row in table(run, "cases.csv")} == {
        ("tool", "drawn"),
        ("net1", "tables"),
        ("net2", "tables"),
        ("stack", "tables"),
    }


def test_the_report_shows_charts_and_says_why_there_are_no_pictures(run):
    page = unescape((run.folder / "results" / "report" / "index.html").read_text())
    assert "came as another tool's estimates, without images" in page
    assert "fallback: slices" in page
    assert "a volume needs 4" in page
    assert "<img" not in page
    assert "EDV differences, stack" in page


def test_a_forecast_of_several_has_its_mean_as_estimate(run):
    rows = [row for row in table(run, "cases.csv") if row["model"] == "stack"]
    assert len(rows) == HEARTS
    assert all(float(row["edv_ml"]) == pytest.approx(float(row["edv_mean_ml"])) for row in rows)
    assert {row["status"] for row in rows} == {"ok"}


def test_a_number_is_traced_to_what_was_brought(run):
    for target, case, words in (
        ("results/calibrate/net1/forecasts.csv", "t-c3", ["areas/one.csv", "back to the source files."]),
        (
            "results/calibrate/stack/forecasts.csv",
            "t-c3",
            ["areas/one.csv", "areas/two.csv", "back to the source files."],
        ),
        ("results/calibrate/tool/forecasts.csv", "three", ["its files are not compared", "could not be compared."]),
    ):
        answer = run.run([sys.executable, "-m", "lvpipe", "trace", target, case, "--directory", str(run.folder)])
        assert answer.code == 0, answer.text
        assert all(word in answer.text for word in words), answer.text
        assert "not agree" not in answer.text


def test_what_changed_in_a_table_is_said(run):
    path = run.folder / "source" / "tables" / "areas" / "two.csv"
    before, stat = path.read_text(), path.stat()
    try:
        path.write_text(before.replace("c3,0,0,", "c3,0,0,1"))
        answer = run.run(words_of(run, "lvpipe", "why"))
    finally:
        path.write_text(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "integrate_given   1 job" in answer.text, answer.text
    again = run.run(words_of(run, "lvpipe", "why"))
    assert again.text.startswith("Nothing to do"), again.text
