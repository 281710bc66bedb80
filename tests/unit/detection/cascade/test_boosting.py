import numpy as np
import pytest

from lvpipe.detection.cascade.boosting import QUANTUM, Lot, boost

FEATURES = np.array([(0, 0, 1, 1), (3, 0, 1, 1), (0, 3, 1, 1), (3, 3, 1, 1)])


def lot(positive, negative):
    return Lot(FEATURES[: len(positive)], np.array(positive, np.uint8), np.array(negative, np.uint8))


def test_one_table_tells_apart_what_one_feature_tells_apart():
    noise = np.random.default_rng(0).integers(0, 256, (2, 40))
    examples = lot([noise[0], [3, 200] * 20], [noise[1], [77, 90] * 20])
    stage, hits, alarm = boost(examples, 1.0, 0.01, 10)
    (learner,) = stage.learners
    assert learner.feature == (3, 0, 1, 1)
    assert learner.subset[[77, 90]].all()
    assert not learner.subset[[3, 200]].any()
    assert -1 <= learner.leaves[0] < 0 < learner.leaves[1] <= 1
    assert hits.all()
    assert alarm == 0


def test_several_tables_tell_apart_what_none_does_alone():
    """Two of three features are above 127 in positives, one in negatives: a vote decides."""
    high, low = 200, 20
    positive = [[high, high, low] * 10, [high, low, high] * 10, [low, high, high] * 10]
    negative = [[low, low, high] * 10, [low, high, low] * 10, [high, low, low] * 10]
    stage, hits, alarm = boost(lot(positive, negative), 1.0, 0.01, 20)
    assert len(stage.learners) >= 3
    assert hits.all()
    assert alarm == 0


@pytest.mark.parametrize(("rate", "missed"), [(1.0, 0), (0.995, 1), (0.9, 20)])
def test_at_most_the_allowed_share_is_missed(rate, missed):
    dice = np.random.default_rng(1)
    examples = lot(dice.integers(60, 256, (4, 200)), dice.integers(0, 200, (4, 400)))
    _, hits, _ = boost(examples, rate, 0.3, 30)
    assert 200 - missed <= hits.sum() <= 200


def test_no_more_tables_than_allowed():
    dice = np.random.default_rng(2)
    stage, _, alarm = boost(lot(dice.integers(0, 256, (4, 900)), dice.integers(0, 256, (4, 900))), 0.995, 0.1, 3)
    assert len(stage.learners) == 3
    assert alarm > 0.1


def test_a_code_that_nobody_has_goes_with_those_one_bit_away():
    stage, _, _ = boost(lot([[0b11110000] * 9], [[0b00001111] * 9]), 1.0, 0.1, 1)
    subset = stage.learners[0].subset
    assert not subset[[0b11110001, 0b01110000]].any()
    assert subset[[0b00011111, 0b00001110]].all()


def test_sums_are_exact_in_single_precision():
    dice = np.random.default_rng(3)
    stage, _, _ = boost(lot(dice.integers(0, 200, (4, 300)), dice.integers(50, 256, (4, 300))), 0.995, 0.2, 50)
    leaves = np.array([learner.leaves for learner in stage.learners])
    assert (leaves % QUANTUM == 0).all()
    assert stage.threshold % QUANTUM == QUANTUM / 2


def test_equal_examples_cannot_be_told_apart():
    same = np.full((4, 30), 255)
    _, hits, alarm = boost(lot(same, same), 0.995, 0.5, 100)
    assert hits.all()
    assert alarm == 1
