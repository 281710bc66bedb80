from dataclasses import replace

import numpy as np
import pytest
from drawn_hearts import QUICK, ring_lesson

from lvpipe.config.detect import CascadeSettings
from lvpipe.detection.cascade.examples import Album, Mine
from lvpipe.detection.cascade.model import Cascade
from lvpipe.detection.cascade.training import COLUMNS, learn_cascade
from lvpipe.detection.cascade.xml import as_xml
from lvpipe.detection.lessons import Lesson
from lvpipe.errors import UserError


def settings(**changes):
    return CascadeSettings(**{**QUICK, **changes})


def flat():
    frames = np.full((1, 1, 96, 96), 7, np.uint8)
    return Lesson("flat", 2.0, frames, frames[[0] * 6], np.array([[48.0, 48.0, 40.0]]))


def test_every_stage_keeps_the_hearts_and_halves_the_rest(learnt):
    assert len(learnt.table) == len(learnt.cascade.stages) >= 3
    assert [row["stage"] for row in learnt.table] == list(range(len(learnt.table)))
    assert min(row["hit_rate"] for row in learnt.table) >= 0.995
    assert max(row["false_alarm"] for row in learnt.table) <= 0.5
    assert tuple(learnt.table[0]) == COLUMNS


def test_the_set_sizes_are_those_asked_for():
    """The paper's set-up in miniature: ten negatives for each positive."""
    small = settings(positives=90, negatives_per_positive=10.0, stages=2)
    first, second = learn_cascade([ring_lesson(0), ring_lesson(1)], small).table
    assert first["positives"] == 90
    assert first["negatives"] == second["negatives"] == 900


def test_mined_negatives_pass_the_cascade_and_replace_those_that_do_not(rings, learnt):
    """What the first stages reject is not found again: each search must see more windows than the one before."""
    first = Cascade(24, learnt.cascade.stages[:2])
    mine = Mine(Album(rings), 24, 0.3, np.random.default_rng(0))
    patches, passed, seen = mine.dig(first, 100, 200)
    assert 0 < passed < 0.5 * seen
    for stage in first.stages:
        assert _passes(stage, patches).all()
    assert not all(_passes(stage, patches).all() for stage in learnt.cascade.stages[2:])
    assert learnt.table[-1]["negatives_seen"] > learnt.table[0]["negatives_seen"]


def _passes(stage, patches):
    from lvpipe.detection.cascade.lbp import patch_codes, patch_integrals

    sums = patch_integrals(patches)
    return stage.passes(lambda feature: patch_codes(sums, np.array([feature]))[0])


def test_same_lessons_same_bytes(rings):
    one, other = (as_xml(learn_cascade(rings[:2], settings(stages=2)).cascade) for _ in range(2))
    assert one == other
    assert one != as_xml(learn_cascade(rings[:2], settings(stages=2, seed=2)).cascade)


def test_stages_end_where_hardly_any_square_passes(rings):
    few = learn_cascade(rings[:2], settings(overall_false_alarm=0.2)).table
    assert len(few) < len(learn_cascade(rings[:2], settings(overall_false_alarm=0.02)).table)


def test_nothing_drawn_is_refused():
    for lessons in (
        [],
        [flat()],
        [Lesson("c", 1.0, *[np.zeros((1, 1, 96, 96), np.uint8)] * 2, np.full((1, 3), np.nan))],
    ):
        with pytest.raises(UserError, match="no drawn heart"):
            learn_cascade(lessons, settings())


def test_images_smaller_than_their_heart_are_refused():
    small = replace(flat(), drawn_fzyx=ring_lesson(0).drawn_fzyx[:, :, :20, :20])
    with pytest.raises(UserError, match="nothing tells"):
        learn_cascade([small], settings())


def test_moments_and_slices_without_a_heart_are_not_asked(rings):
    """They may be dropped: the same cascade is learnt without them."""
    (one, *_), none = rings, np.full((1, 3), np.nan)
    frames = np.concatenate([one.drawn_fzyx[:, ::-1], one.drawn_fzyx], axis=1)
    lesson = replace(one, drawn_fzyx=frames, squares=np.concatenate([none, one.squares]))
    left = lesson.drawn_alone()
    assert (left.drawn_fzyx.shape, left.moments_tzyx.size, left.slices.tolist()) == (one.drawn_fzyx.shape, 0, [0])
    whole, small = (as_xml(learn_cascade([each], settings(stages=2)).cascade) for each in (lesson, left))
    assert whole == small


def test_one_lesson_beside_flat_ones_is_enough():
    assert learn_cascade([ring_lesson(0), flat()], settings(stages=1)).table
