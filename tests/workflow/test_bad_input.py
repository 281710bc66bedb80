"""Whoever makes a mistake reads one line that says what was found, where, and how to mend it."""

import shutil

import pytest

from .conftest import Workflow

COHORT = {"name": "mine", "reader": "kaggle", "masks": True, "volumes": True}
MODEL = {"name": "unet", "view": "standard", "network": "unet", "masks": ["mine"]}

MISTAKES = {
    "unknown section": ({"trian": {"epochs": 3}}, ["`trian`", "did you mean `train`?"]),
    "unknown key": ({"integrate": {"rul": "disk"}}, ["`integrate: rul`", "did you mean `rule`?"]),
    "value out of range": ({"postprocess": {"threshold": 2}}, ["postprocess: threshold is 2", "less than 1"]),
    "missing folder": (
        {"cohorts": [{**COHORT, "path": "nowhere"}], "models": [MODEL]},
        ["cohort mine", "nowhere is not a folder", "kaggle"],
    ),
    "no cases": (
        {"cohorts": [{**COHORT, "path": "empty"}], "models": [MODEL]},
        ["cohort mine", "no cases in empty", "kaggle"],
    ),
    "unknown reader": (
        {"cohorts": [{**COHORT, "reader": "kagle", "path": "empty"}], "models": [MODEL]},
        ["reader kagle is not there; known: ", "kaggle, "],
    ),
    "a cohort without references": (
        {"models": [{**MODEL, "masks": ["volumes"]}]},
        ["models: unet: masks names volumes", "contours"],
    ),
    "nobody to learn from": (
        {
            "cohorts": [{**COHORT, "name": "contours", "reader": "sunnybrook", "phantom": "contours", "test_share": 1}],
            "models": [{**MODEL, "masks": ["contours"]}],
        },
        ["model unet, fold 0", "0 patients with masks", "test_share"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_configuration_is_one_line(finished, tmp_path, mistake):
    overlay, wanted = MISTAKES[mistake]
    (tmp_path / "run" / "empty").mkdir(parents=True)
    workflow = Workflow(finished.repository, tmp_path / "run")
    answer = workflow.snakemake(overlay=overlay)
    check(answer, wanted)
    assert not (workflow.folder / "results").exists()


def test_an_unreadable_model_is_one_line_and_leaves_nothing_half_written(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    model = folder / "results" / "train" / "unet" / "fold-0" / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-100])
    answer = Workflow(finished.repository, folder).snakemake(targets=("results/crps.csv",))
    check(answer, ["model.safetensors", "not a readable model", "delete the file and run again"])
    made = folder / "results" / "segment" / "unet"
    left = [path.name for path in made.rglob("*")]
    assert len(left) < 12
    assert all(name.endswith("_prob.nii.gz") and not name.startswith(".") for name in left)


def check(answer, wanted):
    assert answer.code != 0
    assert "Traceback" not in answer.text
    assert len(set(answer.told)) == 1, answer.text  # several jobs may stumble over the same file
    assert all(words in answer.told[0] for words in wanted), answer.told[0]
