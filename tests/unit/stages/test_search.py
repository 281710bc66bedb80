import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from lvpipe.config.search import SearchOrder, Trial
from lvpipe.files import read_table
from lvpipe.searching.trials import judge

HISTORY = "epoch,learning_rate,train_loss,watch_loss,watch_score,best"
MODELS = [{"name": "other", "network": "unet"}, {"name": "unet", "overrides": {"train": {"epochs": 3, "seed": 4}}}]
RATE, CHANNELS = "train.learning_rate", "options.channels"
SPACE = {RATE: {"low": 1e-4, "high": 1, "log": True}, CHANNELS: {"values": [[4, 8], [8, 16]]}}
TRIALS = {  # watched loss and score of each epoch, and whether it was the best so far
    "middling": ({RATE: 1e-3, CHANNELS: [8, 16]}, [(0.9, 0.1, True), (0.5, 0.4, True), (0.6, 0.9, False)]),
    "wild": ({RATE: 0.5, CHANNELS: [4, 8]}, [("", 0, False), ("", 0, False)]),
    "best": ({RATE: 1e-2, CHANNELS: [4, 8]}, [(0.4, 0.7, True), (0.5, 0.6, False)]),
}
"""`middling` went on to its last epoch, `best` was stopped before, `wild` had no finite loss."""


@pytest.fixture
def run(lvpipe, tmp_path):
    """Compare these trials; the folder of what was made."""

    def call(*names: str) -> Path:
        trials = [{"name": name, "values": TRIALS[name][0], "epochs": 3} for name in names]
        order = SearchOrder.model_validate({"model": "unet", "space": SPACE, "trials": trials, "models": MODELS})
        for name in names:
            rows = [f"{epoch},0.1,1,{','.join(map(str, row))}" for epoch, row in enumerate(TRIALS[name][1], 1)]
            (tmp_path / f"{name}.csv").write_text("\n".join([HISTORY, *rows]) + "\n")
        made = [word for name in ("table", "chart", "best") for word in (f"--{name}", tmp_path / f"made.{name}")]
        histories = [tmp_path / f"{name}.csv" for name in names]
        assert lvpipe("search", "--histories", *histories, *made, "--settings", order.canonical()) == 0
        return tmp_path

    return call


def test_the_best_watched_score_comes_first_and_what_diverged_last(run):
    rows = read_table(run(*TRIALS) / "made.table")
    assert [tuple(row.values()) for row in rows] == [
        ("best", "0.01", "[4, 8]", "2", "patience", "1", "0.4", "0.7"),
        ("middling", "0.001", "[8, 16]", "3", "epochs", "2", "0.5", "0.4"),
        ("wild", "0.5", "[4, 8]", "2", "diverged", "", "", ""),
    ]
    assert list(rows[0])[:3] == ["trial", RATE, CHANNELS]


def test_the_overlay_changes_one_model_and_keeps_the_rest(run):
    found = yaml.safe_load((run(*TRIALS) / "made.best").read_text())
    overrides = {"train": {"epochs": 3, "seed": 4, "learning_rate": 0.01}}
    assert found == {"models": [MODELS[0], {"name": "unet", "overrides": overrides, "options": {"channels": [4, 8]}}]}


def test_where_every_trial_diverged_nothing_is_changed(run):
    folder = run("wild")
    text = (folder / "made.best").read_text()
    assert text.startswith("# Every trial diverged")
    assert yaml.safe_load(text) == {"models": MODELS}
    assert len(read_table(folder / "made.table")) == 1
    assert "1 of 1 trials diverged" in (folder / "made.chart").read_text()


def test_the_picture_has_a_chart_for_each_setting(run):
    picture = ET.fromstring((run(*TRIALS) / "made.chart").read_text())
    words = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert f"{RATE}: best 0.01, watched score 0.700; 1 of 3 trials diverged" in words
    assert {"0.001", "0.01", "0.1", "[4, 8]", "[8, 16]"} <= set(words)  # ticks: powers of ten, and what was tried
    assert "1" not in words  # no trial came so far
    titles = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 4  # two trials with a score, in two charts
    assert f"best: 0.7000 after epoch 1; {RATE} 0.01, {CHANNELS} [4, 8]" in titles


def test_the_same_trials_in_another_order_make_the_same_bytes(run):
    first = {path.name: path.read_bytes() for path in run(*TRIALS).glob("made.*")}
    assert {path.name: path.read_bytes() for path in run(*reversed(TRIALS)).glob("made.*")} == first


def test_a_trial_that_diverged_after_good_epochs_is_no_candidate():
    good = {"epoch": "1", "train_loss": "0.5", "watch_loss": "0.4", "watch_score": "0.9", "best": "True"}
    burst = {**good, "epoch": "2", "train_loss": "", "watch_loss": "", "watch_score": "", "best": "False"}
    trial = Trial(name="burst", values={}, epochs=9)
    assert judge(trial, [good]).watch_score == 0.9
    assert judge(trial, [good, burst]).ended == "diverged"
    assert math.isnan(judge(trial, [good, burst]).watch_score)
