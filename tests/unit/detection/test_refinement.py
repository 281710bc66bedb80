"""The walk and the following of fits, on scores that are known: how much a square covers of a cone's slice."""

import numpy as np
import pytest

from lvpipe.config.detect import RefineSettings
from lvpipe.detection.refinement import average, follow, refine, walk
from lvpipe.squares import overlap

SETTINGS = RefineSettings()
WIDE = RefineSettings(sides=(0.6, 0.7, 0.8, 0.9, 1.0, 1.1), reach_share=0.2)
"""As the paper has it."""


def cone(slices=10, base=80.0, shrinking=7.0, apex=8):
    """Squares that shrink toward the apex along a slanted axis; none beyond it."""
    z = np.arange(slices)
    squares = np.column_stack([100 + 2.0 * z, 120 - 3.0 * z, base - shrinking * z])
    squares[apex:] = np.nan
    return squares


def by_overlap(truth, noise=0.0):
    dice = np.random.default_rng(0)

    def score(places):
        found = []
        for z, squares in places:
            shared = overlap(squares, truth[z][None])[:, 0] if np.isfinite(truth[z, 0]) else np.zeros(len(squares))
            found.append(np.clip(shared + noise * dice.standard_normal(len(shared)), 0, 1))
        return found

    return score


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("start", [0, 4, 7])
def test_the_square_follows_a_cone_and_falls_back_beyond_its_apex(start, noise):
    truth = cone()
    walked = walk(start, truth[start] * [1, 1, 1.1] + [3, -4, 0], 10, by_overlap(truth, noise), SETTINGS)
    heart = slice(0, 8)
    assert np.hypot(*(walked.squares[heart, :2] - truth[heart, :2]).T).max() < 4
    assert walked.squares[heart, 2] / truth[heart, 2] == pytest.approx(1, abs=0.12)
    assert (np.diff(walked.squares[heart, 2]) < 0).all(), "it shrinks"
    assert np.isfinite(walked.scores[heart]).all()
    np.testing.assert_array_equal(walked.squares[8:], walked.squares[[7, 7]])
    assert np.isnan(walked.scores[8:]).all()


def test_a_gap_is_bridged_with_the_neighbour_s_square():
    truth = cone(shrinking=2.0, apex=10)
    hidden = truth.copy()
    hidden[6] = np.nan
    walked = walk(4, truth[4], 10, by_overlap(hidden), SETTINGS)
    np.testing.assert_array_equal(walked.squares[6], walked.squares[5])
    assert np.isnan(walked.scores[6])
    assert overlap(walked.squares[7:8], truth[7:8])[0, 0] > 0.85, "the slice behind it is found again"


def test_one_slice_is_its_own_walk():
    walked = walk(0, cone()[0], 1, by_overlap(cone()), SETTINGS)
    assert walked.squares.shape == (1, 3)


def test_both_directions_are_asked_at_once():
    asked = []

    def score(places):
        asked.append([z for z, _ in places])
        return by_overlap(cone())(places)

    walk(2, cone()[2], 6, score, SETTINGS)
    assert asked == [[2]] * 3 + [[1, 3]] * 3 + [[0, 4]] * 3 + [[5]] * 3


def test_the_middle_of_a_plateau_is_chosen():
    """A classifier that says 1 wherever the overlap is above one half: its best square lies anywhere."""
    truth = np.array([[100.0, 100.0, 60.0]])

    def score(places):
        return [(overlap(squares, truth)[:, 0] > 0.5).astype(float) for _, squares in places]

    (found,), _ = refine([(0, np.array([106.0, 95.0, 66.0]))], score, WIDE.sides, WIDE)
    assert np.hypot(*(found[:2] - 100)) < 4


def test_equal_scores_have_the_mean():
    squares = np.array([[1.0, 2, 3], [3, 4, 5]])
    np.testing.assert_allclose(average(squares, np.zeros(2)), [2, 3, 4])
    np.testing.assert_allclose(average(squares, np.array([0.2, 0.9])), [3, 4, 5])


def toward(truth, share=0.8):
    """A fit that brings a square most of the way to the cone's; where there is none, it stays."""

    def fit(guesses):
        return [square + share * (truth[z] - square) if np.isfinite(truth[z, 0]) else square for z, square in guesses]

    return fit


def sure(places):
    """Everything is a heart."""
    return [np.ones(len(squares)) for _, squares in places]


@pytest.mark.parametrize("start", [0, 4, 7, 9])
def test_fits_follow_a_cone_and_stay_beyond_its_apex(start):
    truth = cone()
    known = truth[min(start, 7)]
    followed = follow(start, known * [1, 1, 1.1] + [3, -4, 0], 10, toward(truth), by_overlap(truth), SETTINGS)
    heart = slice(0, 8)
    assert np.abs(followed.squares[heart] / truth[heart] - 1).max() < 0.06
    assert (np.diff(followed.squares[heart, 2]) < 0).all(), "it shrinks toward the apex"
    assert (followed.scores[heart] > 0.8).all()
    np.testing.assert_array_equal(followed.squares[8:], followed.squares[[8, 8] if start == 9 else [7, 7]])
    assert np.isnan(followed.scores[8:]).all()


def test_the_first_square_is_fitted_too():
    truth = cone()
    followed = follow(4, truth[4] + [5, 5, 5], 10, toward(truth, 1), by_overlap(truth), SETTINGS)
    np.testing.assert_allclose(followed.squares[4], truth[4])
    assert followed.scores[4] == pytest.approx(1)


def test_each_square_is_fitted_from_its_neighbour_s_and_both_directions_at_once():
    asked = []

    def grown(guesses):
        asked.append([z for z, _ in guesses])
        return [square * [1, 1, 1.1] for _, square in guesses]

    followed = follow(2, np.array([50.0, 60, 10]), 6, grown, sure, SETTINGS)
    assert asked == [[2], [1, 3], [0, 4], [5]]
    np.testing.assert_allclose(followed.squares[:, 2], 10 * 1.1 ** np.array([3, 2, 1, 2, 3, 4]))


@pytest.mark.parametrize(
    ("change", "followed"),
    [
        (([0.2, 0, 0], 1.0), True),
        (([0.3, 0, 0], 1.0), False),
        (([-0.2, 0.2, 0], 1.0), False),
        (([0, 0, 0], 0.65), True),
        (([0, 0, 0], 0.55), False),
        (([0, 0, 0], 1.6), True),
        (([0, 0, 0], 1.75), False),
    ],
)
def test_a_fit_that_jumps_or_changes_its_size_is_not_followed(change, followed):
    """In slice 3; what is about it goes on from the square that it had."""
    square = np.array([50.0, 60, 40])
    lost = square + 40 * np.array(change[0])
    lost[2] *= change[1]
    found = follow(2, square, 5, lambda guesses: [lost if z == 3 else one for z, one in guesses], sure, SETTINGS)
    np.testing.assert_array_equal(found.squares[3], lost if followed else square)
    assert np.isnan(found.scores[3]) != followed
    np.testing.assert_array_equal(found.squares[4], found.squares[3])
    assert np.isfinite(found.scores[[0, 1, 2, 4]]).all()


def test_where_the_score_is_low_the_neighbour_s_square_holds_and_is_gone_on_from():
    truth = cone(shrinking=2.0, apex=10)
    hidden = truth.copy()
    hidden[6] = np.nan
    found = follow(4, truth[4], 10, toward(truth, 1), by_overlap(hidden), SETTINGS)
    np.testing.assert_array_equal(found.squares[6], found.squares[5])
    assert np.isnan(found.scores[6])
    np.testing.assert_allclose(found.squares[7:], truth[7:])
    assert np.isfinite(found.scores[7:]).all()


def test_a_start_without_a_heart_keeps_its_square_and_has_no_score():
    nowhere = follow(1, cone()[1], 3, toward(cone()), lambda places: [np.zeros(1) for _ in places], SETTINGS)
    np.testing.assert_array_equal(nowhere.squares, cone()[[1, 1, 1]])
    assert np.isnan(nowhere.scores).all()


def test_one_slice_is_fitted_alone():
    assert follow(0, cone()[0], 1, toward(cone()), sure, SETTINGS).squares.shape == (1, 3)
