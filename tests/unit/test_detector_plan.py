import copy
import json
from pathlib import Path

import pytest
import yaml

from lvpipe.detector_plan import DetectorPlan
from lvpipe.errors import UserError
from lvpipe.plan import Plan

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())


LBP_CNN = ("cascade.xml", "classifier.safetensors", "fitter.safetensors")


def detector(**settings) -> DetectorPlan:
    return Plan({**copy.deepcopy(SHIPPED), "detect": settings}).detector


def test_a_case_is_judged_by_detectors_that_never_saw_it():
    assert detector(method="lbp_cnn", rivals=[]).files("standard", [1]) == [
        "results/detect/standard/fold-1/cascade.xml",
        "results/detect/standard/fold-1/classifier.safetensors",
        "results/detect/standard/fold-1/fitter.safetensors",
    ]
    assert len(detector(method="lbp_cnn", rivals=[]).files("standard", [0, 1, 2])) == 9


@pytest.mark.parametrize(
    ("method", "rivals", "expected"),
    [
        ("mean_deltas", [], set()),
        ("lbp_cnn", ["fourier"], {*LBP_CNN}),
        ("fourier", ["locator"], {"locator.safetensors"}),
        ("consensus", ["lbp_cnn", "locator"], {*LBP_CNN, "locator.safetensors"}),
    ],
)
def test_only_what_a_method_needs_is_learnt(method, rivals, expected):
    files = detector(method=method, rivals=rivals).files("standard", [0])
    assert {Path(file).name for file in files} == expected


def test_a_walk_needs_no_fitter():
    walking = detector(method="lbp_cnn", rivals=["locator"], refine={"by": "walk"})
    files = walking.files("standard", [0])
    assert {Path(file).name for file in files} == {*LBP_CNN[:2], "locator.safetensors"}
    assert walking.settings("find") != detector(method="lbp_cnn", rivals=["locator"]).settings("find")


def test_every_cohort_with_masks_teaches_unless_some_are_named():
    config = copy.deepcopy(SHIPPED)
    config["cohorts"].append({**config["cohorts"][0], "name": "more", "prefix": "more-"})
    assert Plan(config).detector.cohorts == ["contours", "more"]
    assert Plan({**config, "detect": {"masks": ["more"]}}).detector.cohorts == ["more"]
    with pytest.raises(UserError, match=r"detect: masks names volumes, .*one of: contours, more"):
        Plan({**config, "detect": {"masks": ["volumes"]}})


def test_a_cascade_learns_from_everybody_and_a_network_watches_some():
    made = Plan(SHIPPED).detector
    taught = made.taught("classifier", 0)
    learn, watch = made.learners("classifier", 0)
    assert learn
    assert watch
    assert sorted(learn + watch) == sorted(taught)
    assert made.learners("cascade", 0)[1] == []
    assert sorted(made.learners("cascade", 0)[0]) == sorted(taught)


def test_how_a_part_is_learnt_is_no_setting_of_those_who_use_it():
    usual, changed = (
        detector(),
        detector(classifier={"epochs": 3}, cascade={"stages": 3}, locator={"epochs": 3}, fitter={"epochs": 3}),
    )
    assert usual.settings("find") == changed.settings("find")
    for part in ("cascade", "classifier", "fitter", "locator"):
        assert usual.settings(part) != changed.settings(part)
    assert usual.settings("find") != detector(refine={"least_score": 0.4}).settings("find")


def test_the_code_of_a_method_counts_where_it_is_asked():
    def modules(step, **settings):
        return {entry.split("=")[0] for entry in detector(**settings).code(step).split(",")}

    asked = modules("find", method="mean_deltas", rivals=["fourier"])
    assert {"lvpipe.detection.methods.mean_deltas", "lvpipe.detection.methods.fourier"} <= asked
    assert not any("roi_cnn" in name or "lbp_cnn" in name for name in asked)
    assert "lvpipe.learning.loop" not in asked
    fitting, walking = (modules("find", method="lbp_cnn", refine={"by": by}) for by in ("fit", "walk"))
    assert fitting - walking == {"lvpipe.networks.roi_fit"}
    assert not [name for name in fitting if name == "lvpipe.learning.loop" or "detection.teaching" in name]


def test_a_gpu_is_asked_for_where_a_step_computes_on_one():
    made = detector(device="cuda")
    assert [made.gpus(step) for step in ("find", "classifier", "fitter", "locator")] == [1, 0, 0, 0]
    assert made.environment("find").endswith("gpu.yaml")
    assert json.loads(made.settings("find"))["device"] == "cuda"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "lpb"}, "detect: method is 'lpb'"),
        ({"method": "consensus", "rivals": ["fourier"]}, "expected at least two to agree"),
        ({"rivals": ["consensus"]}, "rivals names consensus"),
        ({"proposals": {"side_mm": [90, 40]}}, "expected 0 < first < second"),
    ],
)
def test_a_mistake_is_one_line(settings, words):
    with pytest.raises(UserError, match=words) as caught:
        detector(**settings)
    assert "\n" not in str(caught.value)


def test_a_model_may_be_called_like_a_part():
    named = {**copy.deepcopy(SHIPPED), "models": [{**SHIPPED["models"][0], "name": "cascade"}]}
    made = Plan(named)
    assert made.detector.learners("cascade", 0)[1] == []
    assert made.training.learners("cascade", 0)[1] != []


def test_without_anybody_to_learn_from_the_method_is_named():
    config = copy.deepcopy(SHIPPED)
    config["cohorts"] = [{**config["cohorts"][0], "masks": False}]
    config["models"] = [{"name": "tool", "kind": "given", "makes": "areas"}]
    with pytest.raises(SystemExit) as caught:
        Plan(config).detector.taught("cascade", 0)
    told = str(caught.value)
    assert told.startswith("lvpipe: detect: lbp_cnn (or choose a `detect: method` that learns nothing), fold 0: 0 pat")
