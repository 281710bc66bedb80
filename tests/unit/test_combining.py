"""Models that combine others, as the plan of a run sees them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lvpipe.errors import UserError
from lvpipe.plan import Plan

SHIPPED = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
COHORTS = [*SHIPPED["cohorts"], {"name": "brought", "reader": "areas", "path": "tables", "volumes": True}]
STACK = {"name": "stack", "kind": "combines", "of": ["n1", "n2"]}


def given(table: str) -> dict[str, Any]:
    return {"name": table, "kind": "given", "makes": "areas", "table": table}


@pytest.fixture
def plan(tmp_path: Path) -> Any:
    """A plan of config.yaml's models and cohorts, and two tables of a third cohort, with these models besides."""
    (tmp_path / "tables" / "areas").mkdir(parents=True)
    (tmp_path / "tables" / "cases.csv").write_text("case\nb1\n")
    for table in ("n1", "n2"):
        (tmp_path / "tables" / "areas" / f"{table}.csv").write_text("case,frame,slice,cavity_mm2\n")

    def make(*more: dict[str, Any]) -> Plan:
        models = [*SHIPPED["models"], given("n1"), given("n2"), *more]
        return Plan({**SHIPPED, "data_root": str(tmp_path), "cohorts": COHORTS, "models": models})

    return make


def test_a_forecast_of_several_is_made_from_what_each_of_them_measures(plan):
    made = plan(STACK)
    assert made.measured["stack"] == ["brought"]
    tables = [f"results/integrate/{name}/brought_pairs.csv" for name in ("n1", "n2")]
    assert made.measured_by("stack", "pairs") == tables
    assert made.measuring("pairs")[-2:] == tables  # once, though two models read them
    assert made.combinations() == '{"stack": ["n1", "n2"]}'
    assert made.given == ["n1", "n2"]
    assert "stack" not in made.trained + made.looking


def test_models_of_every_kind_that_measures_can_be_combined(plan):
    mean = {"name": "mean", "kind": "averages", "of": ["unet", "other"]}
    made = plan({**SHIPPED["models"][0], "name": "other"}, mean, {**STACK, "of": ["unet", "hfcn-areas", "mean"]})
    assert made.measured["stack"] == ["contours", "volumes"]
    assert made.measured_by("stack", "volumes") == [
        f"results/integrate/{member}/{cohort}_volumes.csv"
        for member in ("unet", "hfcn-areas", "mean")
        for cohort in ("contours", "volumes")
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"of": ["n1", "n3"]},
            "stack: of names n3, which is not there; expected one of: hfcn, hfcn-areas, n1, n2, unet",
        ),
        ({"of": ["n1", "n1"]}, "of is [n1, n1], expected two models or more, each once"),
        ({"of": ["n1"]}, "of is [n1], expected two models or more"),
        ({"of": ["n1", "stack"]}, "of names stack, which is not there"),
        ({"of": ["n1", "both"]}, "of names both, which is not there"),
        ({"of": ["n1", "unet"]}, "stack measures no cohort; expected one that all of n1, unet measure"),
        ({"view": "raw"}, "the model stack is of kind combines: view is for models that measure"),
        ({"makes": "areas", "table": "n1"}, "makes is for models that measure; table is for models that measure"),
        ({"overrides": {"integrate": {"rule": "disk"}}}, "overrides of integrate concern the models that it combines"),
    ],
)
def test_what_cannot_be_combined_is_one_line(plan, changes, words):
    with pytest.raises(UserError) as caught:
        _ = plan({**STACK, "name": "both"}, {**STACK, **changes}).measured
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
