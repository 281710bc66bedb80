"""The whole chain on a cohort whose every field is marked: no mark may be met in what it makes."""

import csv
import random
import shutil

import pydicom
import pytest
from mutations import FILES
from planting import leaks, plant

from .conftest import LIGHT, UNET, Workflow

CONTOURS = {"name": "contours", "reader": "sunnybrook", "phantom": "contours", "masks": True, "volumes": True}
CONTOURS |= {"test_share": 0.15}
HOSTILE = (
    "$(touch pwned)",
    "a b",
    "'; touch pwned; '",
    '"quoted"',
    "-rf",
    "\N{SNOWMAN}",
    "x" * 200,
    "ZZPLANTED7^Hans",
)


@pytest.fixture(scope="module")
def marked(finished, tmp_path_factory):
    """A finished run, gone on with a cohort of marked files; some of them are damaged, one study is hopeless."""
    home = tmp_path_factory.mktemp("marked")
    shutil.copytree(finished.folder, home / "run", symlinks=True)
    source = home / "source"
    shutil.copytree(finished.folder / "results" / "phantom" / "volumes", source)
    for number, path in enumerate(sorted(source.rglob("*.dcm"))):
        dataset = pydicom.dcmread(path)
        plant(dataset, number)
        dataset.save_as(path)
    damage(source)
    workflow = Workflow(finished.repository, home / "run")
    answer = workflow.snakemake(
        overlay={**LIGHT, "cohorts": [CONTOURS, {**cohort("volumes", "kaggle"), "path": str(source)}]}
    )
    assert answer.code == 0, answer.text[-3000:]
    return workflow, source, answer


def damage(source) -> None:
    """Errors on the way quote what they stumble over."""
    rng = random.Random(6)
    hopeless, *others = sorted((source / "train").iterdir())
    kinds = ("truncated", "noise over the header", "bytes flipped in the header")
    for folder, share in ((hopeless, 1), (others[0], 5)):
        for number, path in enumerate(sorted(folder.rglob("*.dcm"))[::share]):
            kind = "truncated" if share == 1 else kinds[number % len(kinds)]
            path.write_bytes(FILES[kind](path.read_bytes()[:3000] if share == 1 else path.read_bytes(), rng))


def cohort(name, reader):
    return {"name": name, "reader": reader, "volumes": True}


def test_the_marks_are_there_to_be_found(marked):
    assert len(leaks(marked[1])) > 1000


def test_nothing_that_was_planted_is_met_past_convert(marked):
    workflow, _, answer = marked
    made = [workflow.folder / name for name in ("results", "logs", ".snakemake/log")]
    assert all(root.is_dir() for root in made)
    assert leaks(*made) == []
    assert "ZZPLANTED" not in answer.text


def test_a_hopeless_study_is_in_the_sheet_with_its_reason(marked):
    text = (marked[0].folder / "results" / "convert" / "cases.csv").read_text()
    assert "rejected" in text


def test_hostile_and_personal_folder_names_are_made_safe(finished, tmp_path):
    """Nothing is run that a name says, nothing is written beside the results, and no name is met in them."""
    images = min((finished.folder / "results" / "phantom" / "volumes" / "train").iterdir()) / "study"
    for name in HOSTILE:
        shutil.copytree(images, tmp_path / "source" / name)
    shutil.copytree(finished.folder, tmp_path / "run", symlinks=True)
    workflow = Workflow(finished.repository, tmp_path / "run")
    entries = [CONTOURS, {**cohort("mine", "folder"), "path": str(tmp_path / "source")}]
    answer = workflow.snakemake(overlay={**UNET, "cohorts": entries}, targets=("results/convert/cases.csv",))
    assert answer.code == 0, answer.text[-3000:]
    converted = workflow.folder / "results" / "convert"
    rows = [row for row in csv.DictReader((converted / "cases.csv").open()) if row["cohort"] == "mine"]
    assert len(rows) == len(HOSTILE)
    assert all((converted / f"{row['case']}_cine.nii.gz").stat().st_size for row in rows)
    assert leaks(workflow.folder / "results", workflow.folder / "logs") == []
    assert not list(tmp_path.rglob("pwned"))
    assert {path.name for path in tmp_path.iterdir()} == {"source", "run", "overlay_run.yaml"}
