import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lvpipe.errors import UserError
from lvpipe.plan import Plan

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
RATES = {"low": "1e-5", "high": "1e-1", "log": True}


def plan(space: dict[str, Any], config: dict[str, Any] = SHIPPED, **entry: Any) -> Plan:
    searched = {"searches": {"one": {"model": "unet", "space": space, **entry}}}
    return Plan({**copy.deepcopy(config), "search": searched})


def values(made: Plan) -> list[dict[str, Any]]:
    return [trial["values"] for trial in json.loads(made.search.settings("one"))["trials"]]


def test_a_grid_has_every_combination():
    made = plan({"train.batch_images": {"values": [3, 5]}, "window.side_px": {"values": [96, 112]}})
    assert [tuple(found.values()) for found in values(made)] == [(3, 96), (3, 112), (5, 96), (5, 112)]
    assert len(set(made.search.trials)) == len(made.search.histories("one")) == 4


def test_a_trial_is_the_model_with_its_settings_and_nothing_else_changed():
    made = plan({"train.augmentation.shift_px": {"values": [3]}, "options.residual_units": {"values": [0]}})
    (trial,) = made.search.trials
    usual, other = (json.loads(made.settings("train", model)) for model in ("unet", trial))
    assert other == {**usual, "augmentation": {**usual["augmentation"], "shift_px": 3.0}}
    assert json.loads(made.training.network(trial))["options"] == {
        **json.loads(made.training.network("unet"))["options"],
        "residual_units": 0,
    }
    assert made.training.window(trial) == made.training.window("unet")
    assert made.training.learners(trial, 0) == made.training.learners("unet", 0)


def test_a_trial_is_none_of_the_models_that_are_measured():
    made = plan({"window.side_px": {"values": [96]}})
    assert list(made.models) == list(made.measured) == [model["name"] for model in SHIPPED["models"]]


def test_nobody_of_the_held_out_fold_is_looked_at():
    made = plan({"window.side_px": {"values": [96]}}, fold=1)
    (history,), (trial,) = made.search.histories("one"), made.search.trials
    assert history == f"results/search/{trial}/fold-1/history.csv"
    others = set(range(SHIPPED["folds"])) - {1}
    assert {made.cases[case].fold for case in made.training.taught(trial, 1)} == others


def test_random_rates_are_spread_over_their_powers_of_ten():
    drawn = [found["train.learning_rate"] for found in values(plan({"train.learning_rate": RATES}, trials=200))]
    shares = [sum(10.0**low <= rate < 10.0 ** (low + 1) for rate in drawn) / len(drawn) for low in range(-5, -1)]
    assert sum(shares) == 1
    assert all(0.15 < share < 0.35 for share in shares)
    assert all(float(f"{rate:.3g}") == rate for rate in drawn)


def test_more_trials_and_more_settings_change_no_draw():
    few, many = (values(plan({"train.learning_rate": RATES}, trials=trials)) for trials in (4, 7))
    assert many[:4] == few
    two = plan({"train.batch_images": {"low": 2, "high": 64, "whole": True}, "train.learning_rate": RATES}, trials=4)
    assert [found["train.learning_rate"] for found in values(two)] == [found["train.learning_rate"] for found in few]
    assert all(isinstance(found["train.batch_images"], int) for found in values(two))
    assert values(plan({"train.learning_rate": RATES}, trials=4, seed=2)) != few


def test_trials_are_named_by_what_their_values_mean():
    names = list(plan({"train.learning_rate": {"values": [0.001, 0.01]}}).search.trials)
    assert list(plan({"train.learning_rate": {"values": ["1e-2", "1e-3", 0.001]}}).search.trials) == names[::-1]
    assert names[0] in plan({"train.learning_rate": {"values": [0.3, 0.001]}}).search.trials


def test_a_search_may_start_from_what_it_found():
    """The overlay of the best trial goes over the recipe; trials that were made are not made again for it."""
    found = {**SHIPPED["models"][0], "overrides": {"train": {"learning_rate": 0.01}}}
    space = {"train.learning_rate": {"values": [0.001, 0.01]}}
    usual, after = plan(space), plan(space, {**SHIPPED, "models": [found]})
    for trial in usual.search.trials:
        assert after.settings("train", trial) == usual.settings("train", trial)


@pytest.mark.parametrize(
    ("space", "entry", "words"),
    [
        ({"train.learnin_rate": {"values": [1]}}, {}, ["learnin_rate", "did you mean `learning_rate`?"]),
        ({"train.augmentation.shift": {"values": [1]}}, {}, ["train: augmentation: shift", "did you mean `shift_px`?"]),
        ({"trian.epochs": {"values": [1]}}, {}, ["unknown setting `trian.epochs`", "`train`"]),
        ({"segment.batch_images": {"values": [1]}}, {}, ["unknown setting `segment.batch_images`", "`window`"]),
        ({"train.split_by": {"values": ["image", "patient"]}}, {}, ["`train.split_by` says which images are watched"]),
        ({"masks": {"values": [["contours"]]}}, {}, ["`masks` says which images are watched"]),
        ({"options.chanels": {"values": [1]}}, {}, ["unknown key `chanels`", "channels"]),
        ({"window.side": {"values": [64]}}, {}, ["window: side", "did you mean `side_px`?"]),
        ({"network": {"values": ["vnet"]}}, {}, ["network vnet is not there"]),
        ({"kind": {"values": ["given"]}}, {}, ["unknown setting `kind`", "`network`, `options`, `window`"]),
        ({"options.channels.0": {"values": [8]}}, {}, ["`channels` is no section, and has no `0`"]),
        ({"train.epochs": {"values": [3, "many"]}}, {}, ["train: epochs is 'many'"]),
        ({"view": {"values": ["standart"]}}, {}, ["standart", "one of: preprocessed, raw, standard"]),
    ],
)
def test_a_mistake_is_one_line(space, entry, words):
    with pytest.raises(UserError) as caught:
        plan(space, **entry)
    message = str(caught.value)
    assert message.startswith("search: one: ")
    assert "\n" not in message
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"window": {"values": [{}]}, "window.side_px": {"values": [64]}}, "window.side_px is a part of window"),
        ({"train.epochs": {"low": 0.6, "high": 1.4, "whole": True}}, "expected whole bounds"),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(space, words):
    with pytest.raises(UserError, match=words):
        plan(space, trials=2)


def test_a_model_that_starts_from_another_can_be_searched():
    first, *_ = SHIPPED["models"]
    second = {**first, "name": "second", "start": "unet"}
    made = plan({"train.batch_images": {"values": [3]}}, {**SHIPPED, "models": [first, second]}, model="second")
    (trial,) = made.search.trials
    assert made.training.start(trial, 1) == ["results/train/unet/fold-1/model.safetensors"]


def test_what_a_search_writes_down_of_the_models_is_a_configuration():
    """A head of areas and a mean among them, of which much follows from others."""
    mean = {"name": "mean", "kind": "averages", "of": ["unet", "hfcn"]}
    raw = {**SHIPPED, "models": [*SHIPPED["models"], mean]}
    written = json.loads(plan({"train.batch_images": {"values": [3]}}, raw).search.settings("one"))["models"]
    assert Plan({**raw, "models": written}).models == Plan(raw).models
