"""A search is asked for by its name; its trials are trained as models are, and each runs again for itself alone."""

import csv
import shutil
from collections.abc import Iterator

import pytest

from .conftest import Workflow, parse_jobs

TARGET = ("results/search/rate/trials.csv",)


def search(*rates: float) -> dict[str, object]:
    """The overlay of the finished run, and one search beside it."""
    entry = {"model": "unet", "space": {"train.learning_rate": {"values": list(rates)}}}
    return {"train": {"epochs": 2}, "search": {"searches": {"rate": entry}}}


def would_run(workflow: Workflow, *rates: float) -> dict[str, int]:
    answer = workflow.snakemake("--dry-run", "--quiet", "reason", overlay=search(*rates), targets=TARGET)
    assert answer.code == 0, answer.text
    return parse_jobs(answer.text)


@pytest.fixture(scope="module")
def searched(finished: Workflow) -> Iterator[Workflow]:
    """The finished run after a search with one trial that diverges."""
    answer = finished.snakemake(overlay=search(0.01, 1e30), targets=TARGET)
    assert answer.code == 0, answer.text[-5000:]
    yield finished
    shutil.rmtree(finished.folder / "results" / "search")


def test_a_search_is_no_part_of_a_run_of_everything(finished):
    entry = {"model": "unet", "space": {"train.learning_rate": {"values": [0.01]}}}
    assert finished.would_run({"search": {"searches": {"rate": entry}}}) == {}


def test_a_trial_that_diverges_stops_no_search(searched):
    rows = list(csv.DictReader((searched.folder / TARGET[0]).open()))
    assert [(row["train.learning_rate"], row["ended"]) for row in rows] == [("0.01", "epochs"), ("1e+30", "diverged")]
    assert list(searched.folder.glob("results/search/**/model.safetensors")) == []


def test_what_was_tried_is_not_tried_again(searched):
    assert would_run(searched, 0.01, 1e30) == {}
    assert would_run(searched, 0.02, 1e30, 0.01) == {"search_trial": 1, "search": 1}


def test_another_colour_of_charts_trains_nothing(searched):
    path = searched.repository / "lvpipe" / "charts" / "svg.py"
    source = path.read_text()
    try:
        path.write_text(f"{source}\n_EDITED = 1\n")
        assert would_run(searched, 0.01, 1e30) == {"search": 1}
    finally:
        path.write_text(source)
