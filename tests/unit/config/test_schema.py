from pathlib import Path
from typing import Any

import pytest
import yaml

from lvpipe.config.resample import PreparedView
from lvpipe.config.schema import Config, load_config
from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError

DEFAULT = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())


def refusal(raw: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        load_config(raw)
    message = str(caught.value)
    assert "\n" not in message
    assert "pydantic" not in message
    assert message.startswith("configuration: ")
    return message


def test_what_the_command_line_makes_strings_of_becomes_numbers_again():
    strings = {
        "folds": "4",
        "resample": {**DEFAULT["resample"], "spacing_mm": "2.0"},
        "detect": {"side_mm": "64", "motion": {"band_mm": "30"}},
        "score": {"hausdorff": "false"},
        "calibrate": {"betas": ["0.5", "1"]},
        "train": {"augmentation": {"share": "0.25"}},
    }
    config = load_config({**DEFAULT, **strings})
    assert config.folds == 4
    assert config.resample.spacing_mm == 2.0
    assert (config.detect.side_mm, config.detect.motion.band_mm) == (64, 30)
    assert config.score.hausdorff is False
    assert config.calibrate.betas == (0.5, 1.0)
    assert config.train.augmentation.share == 0.25


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"detekt": {}}, ["unknown key `detekt`", "did you mean `detect`?"]),
        ({"train": {"learning_rat": 1}}, ["`train: learning_rat`", "did you mean `learning_rate`?"]),
        ({"train": {"augmentation": {"rotate": 9}}}, ["did you mean `rotate_degrees`?"]),
        ({"train": {"zzzzzz": 1}}, ["known here: augmentation, average, batch_images"]),
        ({"cohorts": [{**DEFAULT["cohorts"][0], "raeder": "x"}]}, ["`cohorts: 0: raeder`", "`reader`"]),
        ({"models": [{**DEFAULT["models"][0], "netwrok": "x"}]}, ["did you mean `network`?"]),
        (
            {"resample": {"views": {"standard": {"clahe": {"clip_limt": 2}}}}},
            ["`resample: views: standard: clahe: clip_limt`", "did you mean `clip_limit`?"],
        ),
        (
            {"phantom": {"cohorts": {"contours": {**DEFAULT["phantom"]["cohorts"]["contours"], "matrx": [9, 9]}}}},
            ["did you mean `matrix`?"],
        ),
    ],
)
def test_an_unknown_key_gets_the_nearest_known_one(changes, words):
    message = refusal({**DEFAULT, **changes})
    for word in [*words, "docs/configuration.md"]:
        assert word in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"segment": {"turns": ["identity", "identity"]}}, ["identity stands twice"]),
        ({"postprocess": {"choose": ["threshold", "threshold"]}}, ["threshold stands twice"]),
        ({"folds": 1}, ["folds is 1", "greater than or equal to 2"]),
        ({"train": {"epochs": "many"}}, ["train: epochs is 'many'", "integer"]),
        ({"integrate": {"rule": "discs"}}, ["integrate: rule is 'discs'", "disk"]),
        ({"train": {"learning_rate": float("nan")}}, ["train: learning_rate is nan", "finite"]),
        ({"cohorts": [{**DEFAULT["cohorts"][0], "name": "a/b"}]}, ["cohorts: 0: name is 'a/b'"]),
        ({"models": [{**DEFAULT["models"][0], "name": "climatology"}]}, ["models: 0: name", "row of the tables"]),
        ({"models": [{**DEFAULT["models"][0], "name": "background"}]}, ["models: 0: name", "row of the tables"]),
        (
            {"models": [{**DEFAULT["models"][0], "overrides": {"segment": {"shard_cases": 4}}}]},
            ["models: 0: overrides: segment: shard_cases", "share their shards"],
        ),
        ({"resample": {"views": {"a_b": {}}}}, ["resample: views: a_b", "pattern"]),
        ({"resample": {"views": {"v": {"clip_percent": [99, 1]}}}}, ["resample: views: v: clip_percent is [99, 1]"]),
        ({"resample": {"views": {"v": {"pixels_size": 16, "pixels_shrink": 17}}}}, ["pixels_shrink is 17"]),
        ({"calibrate": {"betas": [0.5, -1]}}, ["calibrate: betas: 1 is -1", "greater than 0"]),
    ],
)
def test_a_wrong_value_is_shown_with_its_place(changes, words):
    message = refusal({**DEFAULT, **changes})
    for word in words:
        assert word in message


def test_everything_that_is_wrong_is_said_at_once():
    message = refusal({**DEFAULT, "folds": 0, "detekt": {}, "train": {"epochs": 0}})
    assert message.count(";") >= 2
    for word in ("folds", "detekt", "train: epochs"):
        assert word in message


def test_a_missing_section_is_named():
    assert "models" in refusal({key: value for key, value in DEFAULT.items() if key != "models"})


def test_sections_know_their_canonical_text():
    assert TrainSettings.model_validate_json(TrainSettings().canonical()) == TrainSettings()
    config = load_config({**DEFAULT, "models": [model for model in DEFAULT["models"] if "training" not in model]})
    assert Config.model_validate_json(config.canonical()) == config
    view = config.resample.prepared("preprocessed")
    assert PreparedView.model_validate_json(view.canonical()) == view
    assert view.clahe is not None
    with pytest.raises(ValueError, match="frozen"):
        config.folds = 9  # type: ignore[misc]
