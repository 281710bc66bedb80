from dataclasses import replace

import numpy as np
import pytest

from lvpipe.detection.cascade.examples import Album, Mine, cut, draw_positives, turned
from lvpipe.detection.cascade.model import Cascade
from lvpipe.detection.lessons import Lesson

SQUARE = np.array([[30.0, 60.0, 40.0]])
IMAGE = np.zeros((90, 110), np.uint8)
IMAGE[10:51, 40:81] = 255


def album():
    frames = IMAGE[None, None]
    return Album([Lesson("c", 1.0, frames, frames[[0] * 6], SQUARE)])


@pytest.mark.parametrize("symmetry", range(8))
def test_a_turned_square_holds_what_it_held(symmetry):
    image, squares = turned(IMAGE, SQUARE, symmetry)
    assert (cut(image, tuple(squares[0]), 24) > 250).all()


def test_the_eight_symmetries_differ():
    image = np.random.default_rng(0).integers(0, 256, (5, 5)).astype(np.uint8)
    assert len({turned(image, SQUARE, symmetry)[0].tobytes() for symmetry in range(8)}) == 8


def test_a_square_beyond_the_image_goes_on_with_its_border():
    bright = np.full((30, 30), 200, np.uint8)
    assert (cut(bright, (2.0, 28.0, 50.0), 24) == 200).all()


def test_positives_hold_the_heart_and_differ_a_little():
    patches = draw_positives(album(), 40, 24, np.random.default_rng(1))
    assert patches.shape == (40, 24, 24)
    assert patches.mean(axis=(1, 2)).min() > 0.75 * 255
    assert len(np.unique(patches.reshape(40, -1), axis=0)) > 30


def test_negatives_overlap_the_heart_little():
    """Sides from 0.7 on: a window with an overlap below 0.3 has less than 71 % of it within the square."""
    patches, passed, seen = Mine(album(), 24, 0.3, np.random.default_rng(2)).dig(Cascade(24, ()), 500, 1000)
    assert len(patches) == 500
    assert patches.mean(axis=(1, 2)).max() < 0.75 * 255
    assert passed == seen > 500


def test_other_frames_of_undrawn_slices_teach_nothing():
    (lesson,) = album().lessons
    frames = np.repeat(np.repeat(IMAGE[None, None], 2, axis=0), 3, axis=1)
    squares = np.array([[np.nan] * 3, SQUARE[0], [np.nan] * 3])
    assert Album([replace(lesson, drawn_fzyx=frames, squares=squares)]).places == [(0, 0, 1), (0, 1, 1)]


def test_images_smaller_than_all_windows_have_no_negatives():
    small = IMAGE[:20, 50:70][None, None]
    lesson = Lesson("c", 1.0, small, small[[0] * 6], np.array([[10.0, 10.0, 40.0]]))
    patches, passed, seen = Mine(Album([lesson]), 24, 0.3, np.random.default_rng(0)).dig(Cascade(24, ()), 10, 5)
    assert (len(patches), passed, seen) == (0, 0, 0)
