import numpy as np
import pytest

from lvpipe.detection.agreement import companions, doubt, middlemost
from lvpipe.detection.finding import Finding, nothing


def at(row, column, score=1.0) -> Finding:
    return Finding(np.array([[row, column, 60.0]] * 3), score, np.full(3, score))


FINDINGS = {
    "chosen": at(100, 100),
    "near": at(106, 108),
    "far": at(130, 140),
    "blind": nothing("one frame: no motion to follow", blind=True),
}
LOST = {"lost": nothing("it is dark")}


@pytest.mark.parametrize(
    ("pixel_mm", "agree_mm", "told"),
    [
        (1.0, 60, ""),
        (1.0, 25, "far finds the heart 50 mm away"),
        (2.0, 15, "near finds the heart 20 mm away; far finds the heart 100 mm away"),
        (0.1, 4.9, "far finds the heart 5 mm away"),
    ],
)
def test_who_finds_another_heart_is_told_in_millimetres(pixel_mm, agree_mm, told):
    assert doubt(FINDINGS, "chosen", pixel_mm, agree_mm) == told


def test_a_rival_that_looks_and_finds_none_is_told_and_one_that_cannot_look_is_not():
    assert doubt(FINDINGS | LOST, "chosen", 1.0, 60) == "lost finds none: it is dark"
    assert doubt(FINDINGS | LOST, "chosen", 1.0, 25) == "far finds the heart 50 mm away; lost finds none: it is dark"


def test_who_finds_nothing_is_in_no_doubt():
    assert doubt(FINDINGS | LOST, "lost", 1.0, 25) == ""
    assert doubt({"chosen": at(1, 2)}, "chosen", 1.0, 25) == ""


def test_companions_are_those_within_reach_and_itself():
    assert companions(FINDINGS, "chosen", 10) == ["chosen", "near"]
    assert companions(FINDINGS, "far", 10) == ["far"]


def by_slice(column, score) -> Finding:
    squares = np.column_stack([np.full(3, 50.0), column + np.arange(3), np.full(3, 60.0)])
    return Finding(squares, score, np.full(3, score))


def test_of_three_the_middle_one_answers_and_of_two_the_surer():
    left, middle, right = by_slice(50, 0.9), by_slice(60, 0.4), by_slice(65, 0.8)
    assert middlemost([left, middle, right]) is middle
    assert middlemost([left, middle]) is left
    assert middlemost([middle, left]) is left


def test_who_tells_each_slices_place_comes_before_who_does_not():
    left, middle, right = by_slice(50, 0.9), at(50, 60, 0.99), by_slice(65, 0.8)
    assert middlemost([left, middle, right]) is right
