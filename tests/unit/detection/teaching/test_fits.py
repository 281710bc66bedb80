"""What the fitter learns from."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_hearts import ring_lesson

from lvpipe.detection.fitter import CONTEXT, corrected, corrections_to, widened
from lvpipe.detection.lessons import Lesson
from lvpipe.detection.patches import Cutter
from lvpipe.detection.teaching.fits import make_fits


@pytest.fixture(scope="module")
def lesson():
    """A ring in slices 0 and 2, drawn there alone."""
    one, other = ring_lesson(1), ring_lesson(2)
    stack = [np.concatenate([a, a, b], axis=1) for a, b in zip(_frames(one), _frames(other), strict=True)]
    return Lesson("r", 2.0, *stack, np.concatenate([one.squares, np.full((1, 3), np.nan), other.squares]))


def _frames(lesson):
    return lesson.drawn_fzyx, lesson.moments_tzyx


@pytest.fixture(scope="module")
def fits(lesson):
    return make_fits([lesson], 300, 1)["r"]


def test_what_is_to_be_corrected_is_what_brings_a_square_there():
    squares = np.array([[10.0, 20, 30], [40, 50, 8], [-3, 7, 100]])
    wanted = np.array([20.0, 14, 60])
    np.testing.assert_allclose(corrected(squares, corrections_to(squares, wanted)), np.tile(wanted, (3, 1)))
    changes = np.array([[0.1, -0.2, 0.3], [0, 0, 0], [-0.5, 0.4, -1]])
    for square, change, after in zip(squares, changes, corrected(squares, changes), strict=True):
        np.testing.assert_allclose(corrections_to(square[None], after)[0], change, atol=1e-12)
    np.testing.assert_allclose(corrected(squares, changes)[0], [13, 14, 30 * np.exp(0.3)])


def test_a_fitter_sees_more_than_the_square_about_the_same_middle():
    np.testing.assert_allclose(widened(np.array([[10.0, 20, 30]])), [[10, 20, 30 * CONTEXT]])


def test_patches_are_cut_where_the_corrections_start(lesson, fits):
    """A patch and its correction belong together: from the square that the correction undoes, the same is cut."""
    assert len(fits) == 600, "two of the three slices are drawn"
    for z, part in ((0, slice(0, 300)), (2, slice(300, 600))):
        squares = _undone(lesson.squares[z], fits.targets[part].astype(np.float64))
        again = Cutter(lesson.moments_tzyx[:, z]).cut(widened(squares)).numpy()
        assert np.abs(again - fits.images_ncyx[part]).max() <= 1, "corrections are stored in single precision"


def _undone(square, corrections):
    """The squares that these corrections bring to this one."""
    sides = square[2] / np.exp(corrections[:, 2:])
    return np.column_stack([square[:2] - sides * corrections[:, :2], sides])


def test_half_the_squares_are_near_and_half_are_far(fits):
    shares = np.exp(-fits.targets[:, 2])
    assert np.median(shares) == pytest.approx(1, abs=0.03)
    off = np.abs(fits.targets[:, :2]).max(axis=1) * np.exp(fits.targets[:, 2])
    assert 0.4 < (off < 0.12).mean() < 0.7
    assert (off > 0.2).mean() > 0.2


def test_the_same_seed_draws_the_same_squares(lesson, fits):
    again, other = (make_fits([lesson], 300, seed)["r"] for seed in (1, 2))
    np.testing.assert_array_equal(again.images_ncyx, fits.images_ncyx)
    np.testing.assert_array_equal(again.targets, fits.targets)
    assert not np.array_equal(other.targets, fits.targets)


def test_cases_differ_and_do_not_depend_on_each_other(lesson, fits):
    twin = replace(lesson, case="twin")
    both = make_fits([twin, lesson], 300, 1)
    assert not np.array_equal(both["twin"].targets, both["r"].targets)
    np.testing.assert_array_equal(both["r"].targets, fits.targets)
