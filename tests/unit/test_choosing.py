"""Choices by cross-validation: made only where they help, and never on the cases that they are for."""

import json

import numpy as np
import pytest

from lvpipe.choosing import FEWEST_PATIENTS, choose, read_drawn
from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.files import read_json
from lvpipe.images import Image, read_image, write_image, write_rejected

PLAIN = {"closing_mm": 0, "blank_mean_prob": 0, "blank_below_mm2": 0, "components": "all"}
SIDE = 24
CASES = [(f"c{i}", f"p{i}", i % 2) for i in range(8)]


def settings(*names: str, **changes) -> PostprocessSettings:
    return PostprocessSettings(**{**PLAIN, **changes, "choose": names})


def timid(i: int) -> tuple[np.ndarray, np.ndarray]:
    """A cavity of which the network sees the rim at 0.42, a little noise, and beyond it 0.2."""
    prob, cavity = np.full((SIDE, SIDE), 0.2), np.zeros((SIDE, SIDE), np.uint8)
    cavity[4 : 14 + i % 3, 6:18] = 1
    prob[cavity == 1] = 0.42
    prob[6 : 12 + i % 3, 8:16] = 0.9
    return prob, cavity


def fine(i: int) -> tuple[np.ndarray, np.ndarray]:
    _, cavity = timid(i)
    return np.where(cavity == 1, 0.9, 0.1), cavity


def with_blobs(i: int) -> tuple[np.ndarray, np.ndarray]:
    prob, cavity = fine(i)
    prob[20:23, 2 : 5 + i % 3] = 0.9
    return prob, cavity


@pytest.fixture
def drawn(tmp_path, image):
    """The cases, drawn in frame 1 of slice 0, as the stages leave them on disk."""

    def write(make, cases=CASES, side=SIDE):
        for i, (case, _, _) in enumerate(cases):
            prob, cavity = make(i)
            stored = np.zeros((2, 2, side, side), np.uint8)
            stored[1, 0] = np.rint(255 * prob)
            reference = np.full(stored.shape, 255, np.uint8)
            reference[1, 0] = cavity
            write_image(tmp_path / f"{case}_prob.nii.gz", image(stored), slope=1 / 255)
            write_image(tmp_path / f"{case}_reference.nii.gz", image(reference))
        return list(read_drawn(cases, tmp_path, tmp_path))

    return write


def test_a_threshold_that_helps_every_patient_is_chosen(drawn):
    found = choose(drawn(timid), settings("threshold"), folds=2)
    assert list(found) == ["0", "1", "all"]
    assert [found[name]["patients"] for name in found] == [4, 4, 8]
    whole = found["all"]
    assert whole["chosen"] == {"threshold": 0.3}, "the first of those that are equally good"
    (account,) = whole["tried"]
    assert account["configured"] == 0.5
    assert account["gain"] > 0.2 > account["least_gain"]
    assert {row["value"]: row["dice"] for row in account["candidates"]}[0.4] == 1.0


def test_too_few_patients_choose_nothing(drawn):
    found = choose(drawn(timid), settings("threshold"), folds=2)
    assert found["0"] == {"cases": 4, "patients": FEWEST_PATIENTS - 1, "tried": [], "chosen": {"threshold": 0.5}}
    one_patient = [(case, "p", 0) for case, _, _ in CASES]
    assert choose(drawn(timid, one_patient), settings("threshold"), folds=2)["all"]["tried"] == []


def test_what_is_good_already_stays(drawn):
    found = choose(drawn(fine), settings("threshold", "components", "temperature"), folds=2)["all"]
    assert found["chosen"] == {"threshold": 0.5, "components": "all", "temperature": 1.0}


def test_a_gain_of_one_patient_alone_is_no_reason(drawn):
    found = choose(drawn(lambda i: timid(i) if i == 3 else fine(i)), settings("threshold"), folds=2)["all"]
    assert 0 < found["tried"][0]["gain"] <= found["tried"][0]["least_gain"]
    assert found["chosen"] == {"threshold": 0.5}


def test_a_gain_that_no_table_would_show_is_no_reason(drawn):
    def nearly(i):
        """One pixel of 2,304 is missed by the usual threshold, in every case."""
        prob, cavity = np.full((48, 48), 0.9), np.ones((48, 48), np.uint8)
        prob[0, 0] = 0.45
        return prob, cavity

    found = choose(drawn(nearly, side=48), settings("threshold"), folds=2)["all"]
    assert found["tried"][0]["gain"] > 0
    assert found["chosen"] == {"threshold": 0.5}


def test_components_are_chosen_where_stray_pixels_cost_something(drawn):
    assert choose(drawn(with_blobs), settings("components"), folds=2)["all"]["chosen"]["components"].startswith(
        "largest"
    )


def test_a_fold_has_no_part_in_its_own_choice(drawn):
    """Twelve patients, of whom those of fold 0 alone ask for another threshold: theirs is the choice of fold 1."""
    cases = [(f"c{i}", f"p{i}", i % 2) for i in range(12)]
    found = choose(drawn(lambda i: fine(i) if i % 2 else timid(i), cases), settings("threshold"), folds=2)
    assert found["0"]["chosen"] == {"threshold": 0.5}
    assert found["1"]["chosen"] == {"threshold": 0.3}


def test_the_temperature_is_the_likeliest_and_lets_doubtful_slices_in(drawn):
    """Pixels of 0.65 are nearly all cavity: they are surer than they say, and a rule for blank slices drops them."""

    def shy(i):
        _, cavity = fine(i)
        return np.where(cavity == 1, 0.65, 0.3), cavity

    wanted = settings("temperature", blank_mean_prob=0.7)
    found = choose(drawn(shy), wanted, folds=2)["all"]
    assert found["chosen"] == {"temperature": 0.5}
    assert found["tried"][0]["gain"] == 1.0


def test_a_rejected_case_and_one_that_nobody_drew_choose_nothing(drawn, tmp_path, image):
    cases = drawn(fine)
    write_rejected(tmp_path / "c0_prob.nii.gz", tmp_path / "c0_reference.nii.gz")
    write_image(tmp_path / "c1_reference.nii.gz", image(np.full((2, 2, SIDE, SIDE), 255, np.uint8)))
    assert [case.case for case in read_drawn(CASES, tmp_path, tmp_path)] == [case.case for case in cases[2:]]


def test_masks_follow_the_choice_of_their_fold(lvpipe, drawn, tmp_path, capsys):
    cases = [(f"c{i}", f"p{i}", i % 2) for i in range(12)]
    drawn(lambda i: fine(i) if i % 2 else timid(i), cases)
    wanted = ("--settings", settings("threshold").canonical())
    inputs = ("--probs", tmp_path, "--references", tmp_path, "--cases", json.dumps(cases), "--folds", 2)
    assert lvpipe("postprocess", "choose", *inputs, "--out", tmp_path / "choices.json", *wanted) == 0
    assert read_json(tmp_path / "choices.json")["1"]["chosen"] == {"threshold": 0.3}
    sizes = {}
    for fold in ("0", "1"):
        chosen = ("--choices", tmp_path / "choices.json", "--held-out", fold)
        words = ("--prob", tmp_path / "c0_prob.nii.gz", "--out", tmp_path / "mask.nii.gz", *chosen)
        assert lvpipe("postprocess", "mask", *words, *wanted) == 0
        sizes[fold] = int(read_image(tmp_path / "mask.nii.gz").array_tzyx.sum())
    assert sizes == {"0": 48, "1": 120}
    assert capsys.readouterr().out.splitlines()[-1] == "threshold: 0.3 was chosen, 0.5 is in the settings"


def test_a_case_is_cut_to_where_anything_is_to_be_seen(drawn):
    case = drawn(with_blobs)[0]
    assert isinstance(case.prob, Image)
    assert case.prob.array_tzyx.shape == case.cavity.shape == (1, 2, SIDE, SIDE)
    assert case.drawn_tz.tolist() == [[True, False]]
