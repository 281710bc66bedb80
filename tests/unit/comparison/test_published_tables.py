"""The papers' tables: whether what they ask of a run is what a run of their recipe has."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from lvpipe.comparison.gaussians import EXPECTED, MAP
from lvpipe.comparison.measures import LEAK as LEAK_TABLE
from lvpipe.comparison.measures import MEASURES
from lvpipe.comparison.sigma import SIGMA
from lvpipe.comparison.table import OVER, PUBLISHED
from lvpipe.config.cohorts import RESERVED
from lvpipe.config.published import Paper
from lvpipe.files import read_table
from lvpipe.learning.leaking import LEAK
from lvpipe.scoring.masks import DICE
from lvpipe.scoring.summary import SEGMENTATION
from lvpipe.scoring.volumes import CRPS, SCORED

SIGMA_COLUMNS = {"sigma": SIGMA, "sigma_map": MAP, "sigma_expected": EXPECTED}
ROOT = Path(__file__).parents[3]
COLUMNS = {"crps": CRPS, "dice": DICE, "segmentation": SEGMENTATION, "cases": SCORED, LEAK_TABLE: LEAK}
COLUMNS |= {f"published/{name}": columns for name, columns in SIGMA_COLUMNS.items()}
PAPERS = get_args(Paper)


def rows_of(paper):
    return read_table(ROOT / "lvpipe" / "published" / f"{paper}.csv")


def test_every_table_is_a_papers():
    assert {path.stem for path in (ROOT / "lvpipe" / "published").iterdir()} == set(PAPERS)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_row_says_what_was_published_or_what_ours_is_and_where_there_is_none_why(paper):
    for row in rows_of(paper):
        assert tuple(row) == PUBLISHED
        assert row["published"] or row["table"], row
        assert row["table"] or row["note"], row
        assert row["published"] == "" or float(row["published"]) >= 0


@pytest.mark.parametrize("paper", PAPERS)
def test_what_is_asked_is_in_the_tables_of_the_papers_recipe(paper):
    recipe = yaml.safe_load((ROOT / "recipes" / f"{paper}.yaml").read_text())
    models = {model["name"] for model in recipe["models"]}
    for row in (row for row in rows_of(paper) if row["table"]):
        where = dict(word.split("=") for word in row["where"].split())
        assert where.pop(OVER, where["model"]).removeprefix("step:") in models | set(RESERVED), row
        asked = [*where, row["column"], *filter(None, [row["against"]])]
        assert set(asked) <= set(COLUMNS[row["table"]]), row
        assert row["measure"] in MEASURES
        assert where["model"].removeprefix("step:") in models | set(RESERVED), row
        assert where.get("cohort", "") in {"", *(cohort["name"] for cohort in recipe["cohorts"])}, row


@pytest.mark.parametrize("paper", PAPERS)
def test_no_model_of_the_recipe_is_trained_for_nothing(paper):
    recipe = yaml.safe_load((ROOT / "recipes" / f"{paper}.yaml").read_text())
    asked = {word for row in rows_of(paper) for word in row["where"].split()}
    sized = [model["name"] for model in recipe["models"] if model["name"].split("-")[-1].isdigit()]
    unasked = {model["name"] for model in recipe["models"] if f"model={model['name']}" not in asked}
    assert unasked <= set(sized)
