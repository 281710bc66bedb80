"""Each source that is not DICOM, from its files to forecasts: one small run that learns from all their masks."""

import csv
import sys
from pathlib import Path

import pytest
import yaml
from sources import Heart, write_acdc, write_la2013, write_lvquan19, write_nifti_cohort, write_slices

from lvpipe.files import read_json

from .conftest import ROOT, Workflow, parse_jobs

LEARNT_FROM = ("acdc", "lvquan", "la2013", "slices")
CASES = {
    "acdc": ["patient001", "patient002", "patient101"],
    "nifti": ["scan-1-9c41e8", "scan-2-c4b9e2"],
    "lvquan": ["patient1", "patient2", "test-patient3"],
    "la2013": ["la-003", "la-004", "la-001"],
    "slices": ["SC-PH-01", "SC-PH-02"],
}


def write_all(root: Path) -> None:
    write_acdc(root / "acdc/database", {"training": [1, 2], "testing": [101]})
    (root / "nifti").mkdir()
    write_nifti_cohort(root / "nifti", [1, 2])
    write_lvquan19(root / "lvquan", [1, 2], [3])
    write_la2013(root / "la2013/Task02_Heart", [3, 4], [1])
    write_slices(root / "slices", [1, 2])


def recipe(name: str) -> dict:
    return yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text())


def overlay(root: Path) -> dict:
    """The cohorts as their recipes have them, each below a folder of its name."""
    cohorts = [entry for name in CASES for entry in recipe(name)["cohorts"] if entry["name"] == name]
    model = {"name": "unet", "view": "standard", "network": "unet", "options": {"channels": [8, 16]}}
    return {
        "data_root": str(root),
        "cohorts": [entry | {"path": entry["name"], "test_share": 0} for entry in cohorts],
        "models": [model | {"masks": list(LEARNT_FROM)}],
        # These atria are a tenth as long as real ones, so that the run is short.
        "convert": recipe("lvquan")["convert"] | recipe("la2013")["convert"] | {"volume_extent_mm": 0},
        "train": {"epochs": 20},  # enough to draw these hearts, which the tests ask of it
    }


@pytest.fixture(scope="module")
def forecast(finished, tmp_path_factory) -> Path:
    """The results of the run."""
    home = tmp_path_factory.mktemp("readers")
    write_all(home / "sources")
    (home / "run").mkdir()
    workflow = Workflow(finished.repository, home / "run")
    targets = ("results/crps.csv", "results/dice.csv")
    answer = workflow.snakemake(overlay=overlay(home / "sources"), targets=targets)
    assert answer.code == 0, answer.text[-5000:]
    return workflow.folder / "results"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("cohort", CASES)
def test_every_case_of_a_reader_gets_a_forecast(forecast, cohort):
    listed = [row for row in rows(forecast / "convert/cases.csv") if row["cohort"] == cohort]
    assert sorted(row["case"] for row in listed) == sorted(CASES[cohort])
    assert {row["status"] for row in listed} == {"ok"}
    forecasts = {row["Id"]: row for row in rows(forecast / "calibrate/unet/forecasts.csv")}
    for case in CASES[cohort]:
        for kind in ("Diastole", "Systole"):
            steps = [float(value) for name, value in forecasts[f"{case}_{kind}"].items() if name != "Id"]
            assert len(steps) == 600
            assert 0 <= steps[0] <= steps[-1] == pytest.approx(1)
            assert steps == sorted(steps)
    assert {row["model"] for row in rows(forecast / "crps.csv") if row["cohort"] == cohort} >= {"unet", "climatology"}


@pytest.mark.parametrize("cohort", CASES)
def test_the_network_draws_on_the_pictures_of_every_reader(forecast, cohort):
    drawn = {row["case"]: row for row in rows(forecast / f"integrate/unet/{cohort}_volumes.csv")}
    assert sorted(drawn) == sorted(CASES[cohort])
    assert all(float(row["edv_ml"]) > 1 for row in drawn.values())


def test_volumes_of_masks_and_of_sheets_are_the_references(forecast):
    found = {row["case"]: row for row in rows(forecast / "convert/cases.csv")}
    for case, heart, es in (
        ("patient001", Heart(1), 4),
        ("scan-2-c4b9e2", Heart(2), 4),
        ("patient2", Heart(2, slices=1, frames=20), 10),
    ):
        assert float(found[case]["edv_ml"]) == pytest.approx(heart.volume_ml(0), abs=0.06)
        assert float(found[case]["esv_ml"]) == pytest.approx(heart.volume_ml(es), abs=0.06)
    assert found["patient101"]["split"] == "test"
    assert (found["la-003"]["esv_ml"], found["SC-PH-01"]["patient"]) == ("", "SC-PH-1")


def test_a_ledger_names_no_file_of_the_source(forecast):
    ledgers = [path.read_text() for path in (forecast / "convert").glob("*_cine.json")]
    assert len(ledgers) == sum(map(len, CASES.values()))
    assert not any(word in text for text in ledgers for word in (".nii", ".mat", ".png", "scan 1", "person 1"))
    assert read_json(forecast / "convert/la-003_cine.json")["options"] == {"spacing": "header"}


@pytest.mark.parametrize("name", CASES)
def test_a_recipe_plans_its_own_source(finished, tmp_path, name):
    write_all(tmp_path / "sources")
    (tmp_path / "run").mkdir()
    above = {"acdc": "acdc/database", "la2013": "la2013/Task02_Heart"}.get(name, name)
    command = [sys.executable, "-m", "snakemake", "results/convert/cases.csv", "--dry-run", "--quiet", "reason"]
    command += ["--directory", str(tmp_path / "run"), "--snakefile", str(finished.repository / "Snakefile")]
    command += ["--configfile", str(ROOT / "recipes" / f"{name}.yaml")]
    command += ["--config", f"data_root={tmp_path / 'sources' / above}", "folds=2"]
    answer = Workflow(finished.repository, tmp_path / "run").run(command)
    assert answer.code == 0, answer.text[-3000:]
    assert parse_jobs(answer.text)[f"convert_{name}"] == len(CASES[name])
