"""What the workflow knows of published figures before anything runs."""

import json
from pathlib import Path

import pytest
import yaml

from lvpipe.errors import UserError
from lvpipe.plan import Plan

ROOT = Path(__file__).parents[2]
PHANTOM = {"name": "contours", "reader": "sunnybrook", "phantom": "contours", "masks": True}


def model(name, train=None, more=None, **changes):
    overrides = {"train": train or {}, **(more or {})}
    return {
        "name": name,
        "view": "standard",
        "network": "unet",
        "masks": ["contours"],
        "overrides": overrides,
    } | changes


def published(*models, **changes):
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())
    return Plan({**shipped, "folds": 2, "cohorts": [PHANTOM], "models": list(models), **changes}).published


def test_without_a_paper_there_is_nothing_to_make():
    assert published(model("net"), model("other", {"seed": 4})).files() == []


def test_a_paper_is_a_table_of_the_package_and_its_cohorts_say_where_they_come_from():
    found = published(model("net"), published={"papers": ["hsin2016"]})
    assert found.papers("/here") == ["/here/lvpipe/published/hsin2016.csv"]
    assert found.files() == ["results/published.csv"]
    assert json.loads(found.origins()) == {"contours": "phantom"}


def test_a_model_of_images_split_by_image_is_judged_in_every_fold():
    found = published(model("net"), model("leaky", {"split_by": "image"}))
    assert found.leaks == ["results/score/leak/leaky_fold-0.csv", "results/score/leak/leaky_fold-1.csv"]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], {}),
        ([model("net-200", {"learn_images": 200})], {"net-50": 50, "net-200": 200}),
        ([model("net-200", {"learn_images": 200, "epochs": 5})], {}),
        ([model("net-200", {"learn_images": 200}, window={"side_px": 96})], {}),
        ([model("net-200", {"learn_images": 200}, {"postprocess": {"components": "all"}})], {}),
        ([model("net")], {}),
    ],
)
def test_models_that_differ_in_their_number_of_images_alone_are_an_arm(others, expected):
    found = published(model("net-50", {"learn_images": 50}), *others)
    arms = json.loads(found.arms)
    assert {name: arm["most_images"] for name, arm in arms.items()} == expected
    assert {arm["arm"] for arm in arms.values()} <= {"net"}
    assert ("results/published/sizes.svg" in found.files()) == bool(expected)


def test_the_study_of_spreads_is_made_of_one_model_that_has_areas():
    asked = {"published": {"sigma": {"model": "net"}}}
    assert published(model("net"), **asked).shown() == ["results/published/sigma.svg"]
    assert len(published(model("net"), **asked).sigma_tables) == 3
    with pytest.raises(UserError, match="published: sigma: model is net; expected one that has areas of cines' slices"):
        published(model("other"), **asked)
