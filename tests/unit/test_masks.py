import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.images import Image
from lvpipe.masks import blank_slices, close_holes, draw_muscle, keep_components, make_mask, tempered

KEEP_ALL = {"closing_mm": 0, "blank_mean_prob": 0, "blank_below_mm2": 0, "components": "all"}
MILLIMETRE = (1.0, 1.0)


def rules(**changes) -> PostprocessSettings:
    return PostprocessSettings(**{**KEEP_ALL, **changes})


def cavity_mask(prob: Image, wanted: PostprocessSettings) -> np.ndarray:
    return make_mask({"cavity": prob}, wanted).array_tzyx


def stack(*shape) -> np.ndarray:
    return np.zeros(shape or (1, 3, 30, 30), bool)


def test_the_threshold_itself_is_cavity(image):
    prob = np.array([0.49, 0.5, 0.51, 1.0], np.float32).reshape(1, 1, 2, 2)
    assert cavity_mask(image(prob), rules()).ravel().tolist() == [0, 1, 1, 1]
    assert cavity_mask(image(prob), rules(threshold=0.505)).ravel().tolist() == [0, 0, 1, 1]


def test_a_hole_of_four_pixels_is_closed_and_a_large_one_is_not():
    drawn = stack()
    drawn[0, 1, 5:25, 5:25] = True
    whole = drawn.copy()
    drawn[0, 1, 10:12, 10:12] = False
    np.testing.assert_array_equal(close_holes(drawn, 3.0, MILLIMETRE), whole)
    drawn[0, 1, 10:14, 10:14] = False
    np.testing.assert_array_equal(close_holes(drawn, 3.0, MILLIMETRE), drawn)
    np.testing.assert_array_equal(close_holes(drawn, 5.0, MILLIMETRE), whole)


def test_closing_is_measured_in_millimetres():
    drawn = stack()
    drawn[0, 1, 5:25, 5:25] = True
    drawn[0, 1, 10:12, 10:12] = False
    np.testing.assert_array_equal(close_holes(drawn, 1.5, (1.5, 1.5)), drawn)
    assert close_holes(drawn, 3.0, (1.0, 9.0)).sum() == drawn.sum() + 4, "one axis alone can close"
    assert close_holes(drawn, 0.0, MILLIMETRE) is drawn


def test_the_border_of_the_image_closes_nothing():
    drawn = stack()
    drawn[0, 0, 2:28, 0:2] = drawn[0, 0, 2:28, 3:6] = True  # a gap of one column, open at the far side of nothing
    drawn[0, 1, 10:20, 1:4] = True  # one pixel from the border
    drawn[0, 2, :4, 10:14] = True  # at the border
    closed = close_holes(drawn, 5.0, MILLIMETRE)
    assert closed[0, 0, 4:26, :6].all()
    np.testing.assert_array_equal(closed[0, 1:], drawn[0, 1:])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(seed=st.integers(0, 10**6), share=st.floats(0.02, 0.9), side=st.sampled_from([3.0, 4.0, 5.0, 7.0]))
def test_closing_adds_pixels_and_is_done_once(seed, share, side):
    drawn = np.random.default_rng(seed).random((2, 2, 17, 19)) < share
    closed = close_holes(drawn, side, MILLIMETRE)
    assert closed.shape == drawn.shape
    assert (closed >= drawn).all()
    np.testing.assert_array_equal(close_holes(closed, side, MILLIMETRE), closed)
    np.testing.assert_array_equal(close_holes(drawn[:, :, ::-1], side, MILLIMETRE)[:, :, ::-1], closed)


def scattered() -> np.ndarray:
    """Frame 0: a column of 3 x 16 pixels, beside it 36 pixels in one slice. Frame 1: 4 pixels alone."""
    drawn = stack(2, 3, 30, 30)
    drawn[0, :, 4:8, 4:8] = True
    drawn[0, 1, 15:21, 15:21] = True
    drawn[1, 2, 3:5, 3:5] = True
    return drawn


def test_the_largest_in_the_stack_is_not_the_largest_in_each_slice():
    drawn = scattered()
    kept = keep_components(drawn, "largest_in_stack")
    assert kept[0].sum(axis=(1, 2)).tolist() == [16, 16, 16]
    kept = keep_components(drawn, "largest_in_slice")
    assert kept[0].sum(axis=(1, 2)).tolist() == [16, 36, 16]
    assert not kept[0, 1, 4:8, 4:8].any()
    np.testing.assert_array_equal(keep_components(drawn, "all"), drawn)
    for which in ("largest_in_stack", "largest_in_slice"):
        np.testing.assert_array_equal(keep_components(drawn, which)[1], drawn[1], "every frame for itself")


def test_two_parts_of_a_slice_that_meet_in_the_next_slice_are_two():
    drawn = stack(1, 2, 12, 30)
    drawn[0, 0, 2:6, 2:6] = drawn[0, 0, 2:5, 20:23] = drawn[0, 1, 2:6, 2:23] = True
    assert keep_components(drawn, "largest_in_slice").sum(axis=(2, 3)).tolist() == [[16, 84]]
    np.testing.assert_array_equal(keep_components(drawn, "largest_in_stack"), drawn)


def test_pixels_that_touch_at_a_corner_are_apart():
    drawn = stack(1, 1, 6, 6)
    drawn[0, 0, 0:2, 0:2] = drawn[0, 0, 2:5, 2:5] = True
    assert keep_components(drawn, "largest_in_slice").sum() == 9


def test_a_slice_is_blank_below_an_area(image):
    drawn = stack(1, 2, 30, 30)
    drawn[0, 0, 5:10, 5:13], drawn[0, 1, 5:8, 5:18] = True, True  # 40 and 39 pixels
    wanted = rules(blank_below_mm2=40.0)
    assert blank_slices(drawn.astype(float), drawn, wanted, 1.0).tolist() == [[False, True]]
    assert blank_slices(drawn.astype(float), drawn, wanted, 0.99).tolist() == [[True, True]]
    mask = cavity_mask(image(drawn.astype(np.float32), (1, 1, 8)), wanted)
    assert mask.sum(axis=(2, 3)).tolist() == [[40, 0]]


@pytest.mark.parametrize(("prob", "blank"), [(0.69, True), (0.71, False)])
def test_a_slice_is_blank_when_the_network_hardly_believed_in_it(image, prob, blank):
    probs = np.full((1, 1, 20, 20), 0.3, np.float32)
    probs[0, 0, 5:15, 5:15] = prob
    assert cavity_mask(image(probs), rules(blank_mean_prob=0.7)).any() != blank


def test_the_mean_is_over_the_drawn_pixels_of_the_slice_alone():
    probs = np.array([[[[0.9, 0.5], [0.9, 0.1]], [[0.6, 0.6], [0.0, 0.0]]]])
    drawn = probs >= 0.5
    assert blank_slices(probs, drawn, rules(blank_mean_prob=0.75), 1.0).tolist() == [[False, True]]


def test_nothing_drawn_is_an_empty_mask(image):
    prob = image(np.zeros((2, 3, 20, 20), np.float32))
    for which in ("all", "largest_in_slice", "largest_in_stack"):
        mask = cavity_mask(prob, PostprocessSettings(components=which))
        assert mask.dtype == np.uint8
        assert mask.shape == (2, 3, 20, 20)
        assert not mask.any()


def heart_probs(image) -> dict:
    """A cavity of 6 x 6 pixels in a wall two wide, and elsewhere, far from it, more that looks like muscle."""
    cavity, muscle = np.zeros((2, 1, 2, 30, 30), np.float32)
    muscle[0, 0, 6:16, 6:16] = muscle[0, :, 22:28, 22:28] = 0.9
    cavity[0, 0, 8:14, 8:14] = 0.8
    return {"cavity": image(cavity), "myocardium": image(muscle)}


def test_muscle_is_what_hangs_together_with_the_cavity_of_its_slice_and_is_not_cavity(image):
    mask = make_mask(heart_probs(image), rules()).array_tzyx
    expected = np.zeros((1, 2, 30, 30), np.uint8)
    expected[0, 0, 6:16, 6:16], expected[0, 0, 8:14, 8:14] = 2, 1
    np.testing.assert_array_equal(mask, expected)


def test_where_the_cavity_is_blank_there_is_no_muscle(image):
    assert not make_mask(heart_probs(image), rules(blank_mean_prob=0.85)).array_tzyx.any()


def test_both_labels_have_the_threshold_and_the_temperature(image):
    probs = heart_probs(image)["myocardium"].array_tzyx
    cavity = np.zeros(probs.shape, bool)
    cavity[0, 0, 8:14, 8:14] = True
    assert draw_muscle(probs, cavity, rules(threshold=0.89)).sum() == 64
    assert not draw_muscle(probs, cavity, rules(threshold=0.91)).any()
    assert draw_muscle(probs, cavity, rules(threshold=0.91, temperature=0.5)).sum() == 64


def test_a_temperature_divides_logits():
    probs = np.array([0.0, 0.1, 0.5, 0.8, 1.0])
    halved = tempered(probs, 2.0)
    assert halved[[0, 2, 4]].tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(np.log(halved[1:4] / (1 - halved[1:4])), np.log(probs[1:4] / (1 - probs[1:4])) / 2)
    assert tempered(probs, 1.0) is probs


def test_a_slice_that_is_believed_in_less_after_tempering_is_blank(image):
    probs = np.zeros((1, 1, 20, 20), np.float32)
    probs[0, 0, 5:15, 5:15] = 0.75
    for temperature, blank in ((1.0, False), (2.0, True)):
        assert cavity_mask(image(probs), rules(blank_mean_prob=0.7, temperature=temperature)).any() != blank
