import copy
import json

import pytest
import yaml

from lvpipe.errors import UserError
from lvpipe.plan import Plan

from .test_plan import DEFAULT, MODEL, ROOT

TAUGHT = {**MODEL, "name": "both", "volumes": ["contours", "volumes"]}
HEAD = {"name": "areas", "kind": "regresses", "training": "both", "makes": "areas"}
TELLS = {
    "name": "tells",
    "kind": "regresses",
    "makes": "areas",
    "view": "standard",
    "network": "net3_regression",
    "window": {"side_px": 128},
    "masks": ["contours"],
}


def plan(*models, **changes):
    return Plan({**copy.deepcopy(DEFAULT), "models": list(models), **changes})


def test_volumes_teach_by_folds_as_masks_do_and_nobody_who_is_tested():
    made = plan(TAUGHT)
    for fold in range(3):
        learn, watch = made.training.measured("both", fold)
        found = [made.cases[name] for name in learn + watch]
        assert {case.cohort for case in found} == {"contours", "volumes"}
        assert not any(case.split == "test" or case.fold == fold for case in found)
        assert set(made.training.taught("both", fold)) < set(made.training.seen("both", fold))
        watched = watch + made.training.learners("both", fold)[1]
        assert not {made.cases[name].patient for name in learn} & {made.cases[name].patient for name in watched}
    assert plan(MODEL).training.measured("unet", 0) == ([], [])


def test_a_head_of_areas_is_all_that_its_training_is():
    made = plan(TAUGHT, HEAD)
    entry = made.models["areas"]
    assert (entry.view, entry.network, entry.window) == ("standard", "unet", made.models["both"].window)
    assert (entry.trained_as, entry.trained, made.trained) == ("both", False, ["both"])
    assert (made.drawing, made.telling("areas"), made.looking) == (["both"], ["areas"], ["both", "areas"])
    assert made.measured["areas"] == ["contours", "volumes"]


def test_a_head_of_areas_sums_slices_up_as_it_learnt_to():
    frustum = {**TAUGHT, "overrides": {"integrate": {"rule": "frustum"}}}
    simpson = {**HEAD, "overrides": {"integrate": {"rule": "simpson"}}}
    rules = [json.loads(plan(frustum, head).settings("integrate", "areas"))["rule"] for head in (HEAD, simpson)]
    assert rules == ["frustum", "simpson"]


def test_only_who_sums_areas_has_a_head():
    by_areas, by_prob = TAUGHT, {**TAUGHT, "overrides": {"train": {"volumes": {"by": "prob"}}}}
    assert json.loads(plan(by_areas).training.network("both"))["head"] is True
    assert "head" not in json.loads(plan(by_prob).training.network("both"))
    assert "outputs" not in json.loads(plan(TELLS).training.network("tells"))["options"]


def test_who_learns_from_volumes_learns_by_the_rule_that_integrates_them():
    frustum = {**TAUGHT, "overrides": {"integrate": {"rule": "frustum"}}}
    assert json.loads(plan(frustum).training.integration("both"))["rule"] == "frustum"
    assert plan(MODEL, integrate={"rule": "frustum"}).training.integration("unet") == "{}"


def test_a_new_case_changes_nothing_of_what_is_learnt_and_a_taught_cases_volume_does(tmp_path):
    cohort = {"name": "volumes", "reader": "kaggle", "path": ".", "volumes": True}

    def volumes(changed=None):
        sheet = [f"{study},{51 if study == changed else 50},120" for study in range(1, 10)]
        (tmp_path / "train.csv").write_text("\n".join(["Id,Systole,Diastole", *sheet]))
        cohorts = [DEFAULT["cohorts"][0], cohort]
        return json.loads(plan(TAUGHT, cohorts=cohorts, data_root=str(tmp_path)).training.stated("both", 0))

    def add(split, study):
        (tmp_path / split / str(study) / "study").mkdir(parents=True)

    for study in range(1, 9):
        add("train", study)
    before = volumes()
    taught = next(name for name in before if len(name) == 1)
    assert before[taught] == [120, 50, ""]
    add("test", 9)
    assert volumes(changed=9) == before
    assert volumes(changed=int(taught))[taught] == [120, 51, ""]


def test_volumes_of_a_phantom_stand_in_its_folder_or_in_its_contours():
    made = plan(TAUGHT)
    stated = json.loads(made.training.stated("both", 0))
    for name, known in stated.items():
        case = made.cases[name]
        folder = f"results/phantom/volumes/{case.sources[0]}"
        assert known == (folder if case.cohort == "volumes" else [None, None, ""])
    assert set(made.training.phantoms("both", 0)) == {known for known in stated.values() if isinstance(known, str)}


def test_a_start_is_the_same_folds():
    started = {**MODEL, "name": "second", "start": "unet"}
    made = plan(MODEL, started)
    assert made.training.start("second", 2) == ["results/train/unet/fold-2/model.safetensors"]
    assert made.training.start("unet", 2) == []


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([{**MODEL, "volumes": ["nobody"]}], "volumes names nobody"),
        ([MODEL, {**HEAD, "training": "unet"}], "training names unet"),
        ([TAUGHT, {**HEAD, "view": "standard"}], "view follows from its training"),
        ([TAUGHT, {**HEAD, "makes": "volumes"}], "expected areas"),
        ([{**TELLS, "masks": []}], "masks and volumes are empty"),
        ([{**TELLS, "makes": "prob"}], "expected areas or volumes"),
        ([{**MODEL, "start": "unet"}], "start names unet"),
        ([MODEL, {**MODEL, "name": "other", "network": "segresnet", "options": {}, "start": "unet"}], "start names"),
        ([{**MODEL, "training": "unet"}], "training is for kind regresses"),
        ([{**MODEL, "overrides": {"regress": {"draws": 2}}}], "overrides of regress"),
        ([{**TELLS, "overrides": {"postprocess": {"threshold": 0.4}}}], "overrides of postprocess"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(models, words):
    with pytest.raises(UserError, match=words) as caught:
        plan(*models)
    assert "\n" not in str(caught.value)


def test_too_few_who_teach_by_volumes_are_told_when_they_are_asked(capsys):
    few = copy.deepcopy(DEFAULT["phantom"])
    few["cohorts"]["volumes"]["cases"] = {"train": 1, "test": 3}
    with pytest.raises(SystemExit, match="patients with volumes to learn from in the cohorts volumes"):
        plan({**TAUGHT, "volumes": ["volumes"]}, phantom=few).training.seen("both", 0)


def test_a_round_has_epochs():
    with pytest.raises(UserError, match="expected a round to have epochs"):
        plan(TAUGHT, train={"volumes": {"both_epochs": 0, "volumes_epochs": 0}})


def test_the_recipe_of_hfcn_has_both_heads_of_one_training():
    recipe = yaml.safe_load((ROOT / "recipes" / "liao2017.yaml").read_text())
    names = {model["name"]: model for model in recipe["models"]}
    assert names["hfcn-areas"]["training"] == "hfcn-volumes"
    assert names["hfcn-volumes"]["start"] == "hfcn-b"
