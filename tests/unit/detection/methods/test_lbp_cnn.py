"""The words of cascade, classifier and fitter together, on scenes with and without a heart."""

import numpy as np
import pytest
from drawn_cases import PIXEL_MM, RADIUS_MM, SLICES, cine, place, words, write_cases
from drawn_hearts import QUICK, ring_lesson
from hearts import nothing_to_find, scene

from lvpipe.config.detect import (
    CascadeSettings,
    ClassifierSettings,
    DetectSettings,
    FitterSettings,
    ProposalSettings,
    RefineSettings,
)
from lvpipe.detection.cascade.training import learn_cascade
from lvpipe.detection.cascade.xml import write_cascade
from lvpipe.detection.methods import lbp_cnn
from lvpipe.detection.refinement import Walked
from lvpipe.squares import overlap

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SHORT = {"epochs": 9, "patience": 9, "batch_images": 32, "precision": "float32"}
TAUGHT = {
    "classifier": ClassifierSettings(**SHORT, slice_images=40),
    "fitter": FitterSettings(**SHORT, slice_images=40),
}
WAYS = pytest.mark.parametrize("by", ["fit", "walk"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cascade that learnt from rings, and networks that learnt from six cases."""
    from lvpipe.__main__ import main

    folder, cases = tmp_path_factory.mktemp("lbp_cnn"), [f"c{number}" for number in range(8)]
    write_cases(folder, range(8))
    short = CascadeSettings(**{**QUICK, "positives": 60, "stages": 3})
    write_cascade(folder / "cascade.xml", learn_cascade([ring_lesson(i) for i in range(8)], short).cascade)
    for part, settings in TAUGHT.items():
        assert main(words(part, folder, cases[:6], cases[6:], settings)) == 0
    return folder


@pytest.fixture
def find(folder):
    """The method; without a cascade nothing is proposed, so that a grid of squares is asked."""

    def ask(images, by, pixel_mm=PIXEL_MM, cascade=False, **proposals):
        parts = ["classifier", "fitter"] if by == "fit" else ["classifier"]
        learnt = {part: [folder / f"{part}.safetensors"] for part in parts}
        learnt["cascade"] = [folder / "cascade.xml"] if cascade else []
        settings = DetectSettings(
            precision="float32", refine=RefineSettings(by=by), proposals=ProposalSettings(**proposals)
        )
        return lbp_cnn.find(scene(images, pixel_mm, learnt=learnt), settings)

    return ask


@WAYS
@pytest.mark.parametrize(("number", "cascade"), [(20, True), (21, False), (22, False)])
def test_a_heart_is_found_also_where_nothing_is_proposed(find, by, number, cascade):
    found = find(cine(number), by, cascade=cascade)
    assert found.found, found.reason
    assert np.hypot(*(found.squares[:, :2] - place(number)).T).max() * PIXEL_MM < (5 if by == "fit" else 10)
    side_mm = 1.2 * 2 * (RADIUS_MM + 9)
    np.testing.assert_allclose(found.squares[:, 2] * PIXEL_MM, side_mm, rtol=0.1 if by == "fit" else 0.25)
    assert found.squares.shape == (SLICES, 3)
    assert found.proposals.shape[1] == 5
    assert bool(len(found.proposals)) == cascade, "squares of the grid are no proposals of the cascade"
    assert 0.5 < found.score <= 1


@WAYS
def test_the_same_scene_has_the_same_squares(find, by):
    first, again = find(cine(20), by), find(cine(20), by)
    np.testing.assert_array_equal(first.squares, again.squares)
    np.testing.assert_array_equal(first.proposals, again.proposals)


@WAYS
@pytest.mark.parametrize("name", nothing_to_find())
def test_what_is_no_heart_never_crashes(find, name, by):
    images = nothing_to_find()[name].cine_tzyx
    found = find(images, by, pixel_mm=1.0, side_mm=(60, 150))
    assert found.found != bool(found.reason)
    assert len(found.squares) in {0, images.shape[1]}
    assert np.isfinite(found.squares).all()
    assert 0 <= found.score <= 1


@WAYS
def test_a_constant_image_has_no_heart(find, by):
    found = find(np.full((8, 3, 75, 85), 7, np.uint8), by)
    assert not found.found
    assert found.reason == "every pixel has the same value: there is no image"
    assert found.score == 0


@WAYS
def test_images_that_only_flicker_have_no_heart(find, by):
    found = find(np.arange(8, dtype=np.uint8)[:, None, None, None] + np.zeros((8, 3, 75, 85), np.uint8), by)
    assert not found.found
    assert found.reason == "no square looks like a heart: every image is of one value"


@WAYS
def test_blank_slices_in_the_middle_are_passed_over(find, by):
    images = cine(20).repeat(2, axis=1)
    images[:, 3:5] = 0
    found = find(images, by)
    assert np.hypot(*(found.squares[:, :2] - place(20)).T).max() * PIXEL_MM < 10
    assert not set(found.proposals[:, 0]) & {3, 4}
    assert np.isnan(found.scores[3:5]).all()
    assert found.score == pytest.approx(np.nansum(found.scores) / len(found.scores))


def test_where_no_fit_holds_there_is_no_heart(find, monkeypatch):
    """Not even that of the best proposal."""
    monkeypatch.setattr(lbp_cnn.Fitter, "fit", lambda _, guesses: [square * [1, 1, 0.1] for _, square in guesses])
    found = find(cine(20), "fit")
    assert not found.found
    assert found.reason == "what looks like a heart in the middle does in 0 of 3 slices"
    assert found.score == 0


@WAYS
def test_one_slice_has_one_square(find, by):
    assert find(cine(20)[:, :1], by).squares.shape == (1, 3)


def rows(*proposals):
    return np.array(proposals, float)


def test_what_three_slices_agree_on_beats_a_single_one_that_scores_more():
    agreed = [(z, 50 + z, 40, 30, 0.6) for z in range(3)]
    votes = lbp_cnn._votes(rows((0, 90, 90, 30, 0.95), *agreed, (2, 50, 90, 12, 0.9)))
    assert votes[1:4] == pytest.approx(3 * 0.6, abs=0.01)
    assert votes[[0, 4]] == pytest.approx([0.95, 0.9], abs=0.01)


def test_a_slice_votes_once_however_often_it_proposes_a_square():
    often = [(0, 90, 90 + i, 30, 0.6) for i in range(5)]
    votes = lbp_cnn._votes(rows(*often, (0, 20, 20, 30, 0.5), (1, 21, 20, 30, 0.5)))
    assert votes[:5] == pytest.approx(0.6, abs=0.01)
    assert votes[5:] == pytest.approx(1.0, abs=0.01)


def test_where_all_agree_alike_the_own_score_decides():
    votes = lbp_cnn._votes(rows((0, 50, 50, 30, 0.7), (0, 51, 50, 30, 0.9), (0, 49, 50, 30, 0.8)))
    assert votes.argsort().tolist() == [0, 2, 1]


def test_other_places_are_followed_too_if_they_look_like_a_heart():
    best, same, other, weak = (1, 50, 50, 30, 0.9), (1, 54, 50, 30, 0.9), (2, 20, 90, 30, 0.8), (2, 90, 90, 30, 0.3)
    starts = lbp_cnn._starts(rows(best, same, other, weak), least_score=0.5)
    assert [z for z, _ in starts] == [1, 2]
    np.testing.assert_allclose(starts[0][1], [52, 50, 30])
    np.testing.assert_allclose(starts[1][1], [20, 90, 30])
    assert len(lbp_cnn._starts(rows(*[(1, 50 * i, 50, 30, 0.9) for i in range(9)]), least_score=0.5)) == 3


def test_the_first_place_that_most_of_the_stack_shows_is_the_heart():
    def walked(*scores):
        return Walked(np.ones((len(scores), 3)), np.array(scores, float))

    poor, good, better = walked(0.9, np.nan, np.nan), walked(0.8, 0.8, np.nan), walked(0.9, 0.9, 0.9)
    assert lbp_cnn._surest(iter([good, better])) is good
    assert lbp_cnn._surest(iter([poor, better, good])) is better
    assert lbp_cnn._surest(iter([walked(np.nan, np.nan, np.nan), poor])) is poor


@pytest.mark.parametrize("side", [12.0, 40.0, 100.0])
def test_the_grid_lies_in_the_image(side):
    squares = lbp_cnn._of_side(side, (60, 80))
    for axis, size in ((0, 60), (1, 80)):
        if side <= size:
            assert (squares[:, axis] - side / 2).min() == pytest.approx(-0.5)
            assert (squares[:, axis] + side / 2).max() <= size - 0.5 + 1e-6
        else:
            np.testing.assert_allclose(squares[:, axis], (size - 1) / 2)


GREYS = np.random.default_rng(0).integers(0, 255, (2, 5, 300, 300))


class Sure:
    """Scores by how much a square covers of the one in its slice; a lure in one slice scores 1."""

    def __init__(self, truth, lure):
        self.truth, self.lure = np.asarray(truth, float), lure

    def score(self, places):
        return [self._of(z, squares) for z, squares in places]

    def _of(self, z, squares):
        z_lure, lure = self.lure
        tempted = overlap(squares, np.array([lure], float))[:, 0] if z == z_lure else 0
        return np.maximum(0.8 * overlap(squares, self.truth[None])[:, 0], tempted)


def test_the_first_proposal_is_what_slices_agree_on_and_not_the_surest():
    asked = scene(GREYS[:2, :5, :75, :85], PIXEL_MM, learnt={"cascade": []})
    truth, lure = (30.0, 30, 36), (50.0, 60, 36)
    ranked, proposed = lbp_cnn.rank(asked, Sure(truth, (2, lure)), ProposalSettings(most=20))
    assert proposed == 0
    assert np.hypot(*(ranked[0, 1:3] - truth[:2])) < 8
    surest = ranked[ranked[:, 4].argmax()]
    assert surest[0] == 2
    assert np.hypot(*(surest[1:3] - lure[:2])) < 8
    assert (np.diff(lbp_cnn._votes(ranked)) <= 1e-12).all(), "best first"
    start, square = lbp_cnn._winner(ranked)
    assert start in (1, 2, 3)
    assert overlap(square[None], np.array([truth]))[0, 0] > 0.6


def test_only_squares_about_the_same_heart_are_averaged():
    start, square = lbp_cnn._winner(rows((1, 50, 50, 30, 0.9), (1, 52, 50, 30, 0.9), (1, 20, 90, 30, 0.9)))
    assert start == 1
    np.testing.assert_allclose(square, [51, 50, 30])


def test_of_a_grid_the_best_squares_of_each_slice_vote():
    """Thousands of squares, each compared with every other one, would fill the memory."""
    asked = scene(GREYS[:1, :4], 1.0, learnt={"cascade": []})
    ranked, _ = lbp_cnn.rank(asked, Sure((150, 150, 80), (1, (60, 60, 80))), ProposalSettings(most=30))
    assert [(ranked[:, 0] == z).sum() for z in range(4)] == [0, 30, 30, 30]
    assert ranked[ranked[:, 0] == 3, 4].min() > 0.2


def test_middle_slices_are_as_many_as_there_are():
    assert list(lbp_cnn.middle_slices(11, 3)) == [4, 5, 6]
    assert list(lbp_cnn.middle_slices(10, 1)) == [5]
    assert list(lbp_cnn.middle_slices(2, 3)) == [0, 1]
    assert list(lbp_cnn.middle_slices(1, 3)) == [0]
