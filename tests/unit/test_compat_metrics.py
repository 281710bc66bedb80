import numpy as np
import pytest

from lvpipe.compat_metrics import Sums, empty, one_hot, sums

SHARE = 0.026043
"""Foreground in the published example image."""

HEART = (1, 2, 0)
"""Label values of three channels."""


def labels(images=2, side=200):
    found = np.zeros((images, side, side), np.uint8)
    found.reshape(images, -1)[:, : round(SHARE * side**2)] = 1
    return found


def figures(found):
    return found.pooled[:3]


def test_an_empty_mask_scores_nearly_one():
    assert figures(empty(one_hot(labels(), HEART), HEART)) == pytest.approx((0.97396, 0.94924, 0.98264), abs=2e-5)


def test_of_a_hard_map_pooled_dice_is_pixel_accuracy():
    rng = np.random.default_rng(0)
    truth, drawn = (rng.integers(0, 3, (4, 30, 30)) for _ in range(2))
    found = sums(one_hot(drawn, HEART).astype(np.float32), one_hot(truth, HEART))
    right = (truth == drawn).mean()
    assert found.dice_pooled == pytest.approx(right)
    assert found.iou_pooled == pytest.approx(right / (2 - right), abs=0.01)
    assert found.accuracy_pooled == pytest.approx(1 - 2 * (1 - right) / 3)


def test_probabilities_are_not_thresholded_for_dice():
    truth = one_hot(np.array([[[1, 0]]]), (1, 0))
    found = sums(np.array([[[[0.75, 0.0]], [[0.25, 1.0]]]]), truth)
    assert (found.dice_pooled, found.accuracy_pooled) == pytest.approx((1.75 / 2, 1))
    assert found.iou_pooled == pytest.approx((1.75 + 1) / (4 - 1.75 + 1))


def test_precision_and_recall_are_of_rounded_values_in_all_channels_together():
    truth = one_hot(np.array([[[1, 1, 0, 0]]]), (1, 0))
    found = sums(np.array([[[[0.9, 0.4, 0.6, 0.0]], [[0.1, 0.3, 0.7, 1.0]]]]), truth)
    assert (found.precision_pooled, found.recall_pooled) == pytest.approx((3 / 4, 3 / 4))
    nobody = sums(np.zeros((1, 2, 1, 4)), truth)
    assert np.isnan(nobody.precision_pooled)
    assert nobody.recall_pooled == 0
    shy = sums(np.array([[[[0.9, 0.4, 0.0, 0.0]], [[0.1, 0.3, 0.0, 1.0]]]]), truth)
    assert (shy.precision_pooled, shy.recall_pooled) == (1, 0.5)


def test_parts_add_up_to_the_whole():
    truth, probs = one_hot(labels(3), (1, 0)), np.random.default_rng(1).random((3, 2, 200, 200))
    parts = sums(probs[:1], truth[:1]) + sums(probs[1:], truth[1:])
    assert parts.pooled == pytest.approx(sums(probs, truth).pooled)


def test_without_images_nothing_is_known():
    assert np.isnan(Sums().pooled).all()


def test_a_wall_is_background_to_whoever_draws_the_cavity_alone():
    assert one_hot(np.array([[[0, 1, 2]]]), (1, 0)).tolist() == [[[[False, True, False]], [[True, False, True]]]]
