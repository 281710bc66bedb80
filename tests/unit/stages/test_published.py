"""The tables of published figures with ours beside them."""

import json

import pytest

from lvpipe.comparison.sizes import SIZES
from lvpipe.comparison.table import COMPARED, PUBLISHED
from lvpipe.files import read_table, write_table

FOUND = {"table": "crps", "measure": "mean", "column": "crps"}


@pytest.fixture
def results(tmp_path):
    columns = ("model", "cohort", "split", "crps")
    rows = [("net", "c", "train", 0.02), ("net", "d", "test", 0.03), ("step:net", "c", "train", 0.04)]
    write_table(tmp_path / "crps.csv", columns, [dict(zip(columns, row, strict=True)) for row in rows])
    return tmp_path


def compared(lvpipe, results, *asked):
    """The rows that come of these."""
    rows = [dict.fromkeys(PUBLISHED) | {"published": 0.01} | row for row in asked]
    write_table(results / "paper.csv", PUBLISHED, rows)
    words = ("--results", results, "--papers", results / "paper.csv", "--models", "net", "--out", results / "out.csv")
    cohorts = json.dumps({"c": "phantom", "d": "kaggle"})
    assert lvpipe("published", "table", *words, "--cohorts", cohorts, "--settings", "{}") == 0
    found = read_table(results / "out.csv")
    assert tuple(found[0]) == COMPARED
    return [[row[name] for name in ("published", "ours", "model", "measured_on", "rows", "note")] for row in found]


def test_ours_stands_beside_theirs_with_what_it_was_measured_on(lvpipe, results):
    found = compared(
        lvpipe,
        results,
        FOUND | {"where": "model=net cohort=d", "note": "another set"},
        FOUND | {"where": "model=net"},
        FOUND | {"where": "model=step:net"},
    )
    assert found == [
        ["0.01", "0.03", "net", "d (kaggle), test", "1", "another set"],
        ["0.01", "0.025", "net", "c (phantom), train; d (kaggle), test", "2", ""],
        ["0.01", "0.04", "step:net", "c (phantom), train", "1", ""],
    ]


def test_a_figure_may_be_that_of_one_model_over_that_of_another(lvpipe, results):
    found = compared(
        lvpipe,
        results,
        FOUND | {"where": "model=step:net over=net cohort=c"},
        FOUND | {"where": "model=net over=step:net cohort=d"},
        FOUND | {"where": "model=net over=other"},
    )
    assert found == [
        ["0.01", "2", "step:net : net", "c (phantom), train", "1", ""],
        ["0.01", "", "net : step:net", "", "", "too few figures in this run fit model=net over=step:net cohort=d: 1"],
        ["0.01", "", "net : other", "", "", "this run has no model other"],
    ]


def test_where_there_is_no_figure_it_is_said_why(lvpipe, results):
    found = compared(
        lvpipe,
        results,
        {"note": "needs a regression"},
        FOUND | {"where": "model=other"},
        FOUND | {"where": "model=net cohort=e", "note": "the phantom stands in"},
    )
    assert [row[1] for row in found] == ["", "", ""]
    assert [row[-1] for row in found] == [
        "needs a regression",
        "this run has no model other",
        "too few figures in this run fit model=net cohort=e: 0",
    ]


def test_models_of_more_images_are_a_line(lvpipe, tmp_path):
    columns = ("model", "cohort", "split", "label", "level", "dice_2d_mean", "dice_pooled")
    rows = [
        ("net-200", "c", "train", "cavity", "all", 0.9, 0.99),
        ("net-50", "c", "train", "cavity", "all", 0.6, 0.98),
        ("net-50", "c", "train", "cavity", "apical", 0.3, None),
        ("net-50", "h", "test", "cavity", "all", 0.5, 0.98),
        ("net-50", "c", "train", "myocardium", "all", 0.2, None),
        ("background", "c", "train", "cavity", "all", 0.0, 0.97),
    ]
    write_table(tmp_path / "s.csv", columns, [dict(zip(columns, row, strict=True)) for row in rows])
    arms = json.dumps({f"net-{n}": {"arm": "net", "most_images": n} for n in (50, 200)})
    words = ("--segmentation", tmp_path / "s.csv", "--table", tmp_path / "t.csv", "--chart", tmp_path / "t.svg")
    assert lvpipe("published", "sizes", *words, "--arms", arms) == 0
    found = read_table(tmp_path / "t.csv")
    assert tuple(found[0]) == SIZES
    assert [(row["arm"], row["most_images"], row["dice_2d_mean"]) for row in found] == [
        ("net", "50", "0.6"),
        ("net", "200", "0.9"),
        ("net", "50", "0.5"),
    ]
    drawn = (tmp_path / "t.svg").read_text()
    assert "net: c, train 0.9 at 200" in drawn
    assert "net: h, test (dashed) 0.5 at 50" in drawn
    assert drawn.count("stroke-dasharray") == 1
