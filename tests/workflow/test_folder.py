"""Exports under personal names, read by geometry alone, all the way to a forecast."""

import csv
import json
import random
import shutil
from pathlib import Path

import pytest

from .conftest import LIGHT, TINY, UNET, Workflow

COHORTS = [
    TINY["cohorts"][0],
    {"name": "exports", "reader": "folder", "path": "exports", "volumes": True, "test_share": 1},
]
PEOPLE = ("Meier^Anna 19610203", "O'Hara, Bó $HOME & 1")
SHEET = "folder,patient,edv_ml,esv_ml,age_years,sex\n{},Anna Meier,150,70,61,F\n"


@pytest.fixture(scope="module")
def exported(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A run that knows all but the cohort of exports, measured with the models of the finished one."""
    folder = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(finished.folder, folder, symlinks=True)
    studies = sorted((folder / "results" / "phantom" / "volumes" / "test").iterdir())
    for person, study in zip(PEOPLE, studies, strict=True):
        scatter(study, folder / "exports" / person)
    (folder / "exports" / "cases.csv").write_text(SHEET.format('"' + PEOPLE[0] + '"'))
    workflow = Workflow(finished.repository, folder)
    answer = workflow.snakemake(overlay={**LIGHT, **UNET, "cohorts": COHORTS})
    assert answer.code == 0, answer.text[-5000:]
    return workflow


def scatter(study: Path, person: Path) -> None:
    """The files of a study as an export has them: nested, of names that say nothing, with a text beside."""
    names = random.Random(3)
    for path in sorted(study.rglob("*.dcm")):
        place = person / f"{names.randrange(4)}" / f"{names.randrange(16**8):08X}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    (person / "README").write_text("Meier^Anna")


def test_every_person_has_a_forecast_under_another_name(exported, finished):
    rows = {row["case"]: row for row in table(exported, "cases.csv") if row["cohort"] == "exports"}
    assert len(rows) == 2
    assert all(float(row["edv_mean_ml"]) > 0 for row in rows.values())
    way_back = {
        row["stands_for"]: row["name"]
        for row in csv.DictReader((exported.folder / ".private" / "case-names.csv").open())
    }
    assert {way_back[person] for person in PEOPLE} == set(rows)
    anna = rows[way_back[PEOPLE[0]]]
    assert anna["edv_reference_ml"] == "150"
    assert {row["patient"] for row in table(exported, "convert/cases.csv") if row["case"] == anna["case"]} == {
        way_back["Anna Meier"]
    }
    cines = [f"results/convert/{way_back[PEOPLE[0]]}_cine.nii.gz", "results/convert/4_cine.nii.gz"]
    assert (exported.folder / cines[0]).read_bytes() == (finished.folder / cines[1]).read_bytes()


def test_only_the_new_cases_were_converted_and_nothing_is_left_to_do(exported):
    assert exported.would_run(overlay={**LIGHT, **UNET, "cohorts": COHORTS}) == {}
    ledgers = [json.loads(path.read_text()) for path in (exported.folder / "results" / "convert").glob("c*_cine.json")]
    assert len(ledgers) == 2
    assert all(row["why"] for ledger in ledgers for row in ledger["seen"])


def test_no_name_of_a_folder_is_in_results_or_logs(exported):
    for root in ("results", "logs"):
        for path in (exported.folder / root).rglob("*"):
            told = str(path.relative_to(exported.folder)).encode() + (path.read_bytes() if path.is_file() else b"")
            assert not [word for word in (b"Meier", b"19610203", b"O'Hara") if word in told], path


def table(workflow: Workflow, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((workflow.folder / "results" / name).open()))
