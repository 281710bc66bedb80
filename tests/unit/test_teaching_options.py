import copy

import pytest

from lvpipe.errors import UserError
from lvpipe.plan import Plan

from .test_plan import DEFAULT, MODEL

BY_PROB = {"train": {"volumes": {"by": "prob"}}}
TAUGHT = {**MODEL, "name": "both", "volumes": ["contours", "volumes"]}
STUDIES = {
    "name": "studies",
    "kind": "regresses",
    "makes": "areas",
    "view": "standard",
    "network": "slice_sequence",
    "window": {"side_px": 64},
    "volumes": ["volumes"],
}
MANY = {
    **STUDIES,
    "makes": "volumes",
    "network": "net4",
    "window": {"side_px": 128, "images": "study_draw"},
}
ONE = {**STUDIES, "network": "net3_regression", "window": {"side_px": 128}, "masks": ["contours"]}


def plan(*models, **changes):
    return Plan({**copy.deepcopy(DEFAULT), "models": list(models), **changes})


def refusal(*models, **changes):
    with pytest.raises(UserError) as caught:
        plan(*models, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def learning(model, **train):
    return {**model, "overrides": {"train": train}}


@pytest.mark.parametrize(
    ("model", "unheard"),
    [
        (learning(ONE, loss="dice"), "loss says nothing to network net3_regression"),
        (learning(MANY, augmentation={"shift_px": 3.0}), "augmentation says nothing to network net4"),
        (learning(MANY, volumes={"turns": "none", "loss": "l2"}), "volumes.loss says nothing to network net4"),
        (learning(STUDIES, volumes={"both_epochs": 3}), "volumes.both_epochs says nothing to a model that no masks"),
        (learning(MODEL, volumes={"loss": "l2"}), "volumes says nothing to a model that no volumes teach"),
    ],
)
def test_a_setting_that_a_model_would_not_hear_is_refused(model, unheard):
    assert f"overrides: train: {unheard}" in refusal(model)


@pytest.mark.parametrize("model", [STUDIES, MANY])
def test_drawn_slices_do_not_teach_what_sees_studies(model):
    plan(model)
    assert f"cannot teach network {model['network']}" in refusal({**model, "masks": ["contours"]})


def test_volumes_by_probabilities_are_for_what_draws():
    plan({**TAUGHT, "overrides": BY_PROB})
    assert "makes no probabilities" in refusal(STUDIES, **BY_PROB)
    plan(learning(STUDIES, volumes={"by": "areas"}), **BY_PROB)


def test_a_training_by_probabilities_has_no_head_of_areas():
    head = {"name": "areas", "kind": "regresses", "training": "both", "makes": "areas"}
    assert "training: both learns volumes by prob and has no head" in refusal({**TAUGHT, "overrides": BY_PROB}, head)


def test_a_cohort_without_images_cannot_teach_by_its_volumes(tmp_path):
    (tmp_path / "cases.csv").write_text("case\none\n")
    brought = {"name": "brought", "reader": "areas", "path": str(tmp_path), "volumes": True}
    message = refusal({**TAUGHT, "volumes": ["brought"]}, cohorts=[*DEFAULT["cohorts"], brought])
    assert "cohort brought brings estimates, no images to learn from" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": {"channels": [8, 16]}}, "start: unet has other options"),
        ({"labels": ["cavity", "myocardium"]}, "start: unet has other labels"),
        ({"masks": []}, "masks is empty; expected a cohort with masks to learn from, or a start and volumes"),
    ],
)
def test_a_start_whose_weights_would_not_fit_or_that_leads_nowhere_is_refused(changes, words):
    assert words in refusal(MODEL, {**MODEL, "name": "second", "start": "unet", **changes})


def test_options_that_nobody_gave_are_as_good_as_those_given():
    plain = {**MODEL, "network": "hfcn", "options": {}}
    plan(plain, {**plain, "name": "second", "start": "unet", "options": {"variant": "B"}})


def test_no_model_starts_from_itself_through_others():
    ring = [{**MODEL, "name": name, "start": start} for name, start in (("a", "b"), ("b", "c"), ("c", "a"))]
    assert "a starts from b starts from c starts from a" in refusal(*ring)
