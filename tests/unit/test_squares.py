import numpy as np
import pytest

from lvpipe.squares import WALL_MM, drawn_frames, overlap, reference_squares, square_around


def test_overlap_is_what_both_cover_over_what_either_does():
    squares = np.array([[10.0, 10, 4], [12, 10, 4], [30, 30, 4], [10, 10, 8]])
    expected = [[1, 1 / 3, 0, 1 / 4], [1 / 3, 1, 0, 1 / 4], [0, 0, 1, 0], [1 / 4, 1 / 4, 0, 1]]
    np.testing.assert_allclose(overlap(squares, squares), expected)
    assert overlap(squares, np.empty((0, 3))).shape == (4, 0)


@pytest.mark.parametrize("margin", [1.0, 1.2])
def test_a_square_is_around_the_outer_border(margin):
    labels = np.zeros((40, 50), np.uint8)
    labels[8:22, 20:40] = 2
    labels[11:19, 24:36] = 1
    np.testing.assert_allclose(square_around(labels, 1.5, margin), [[14.5, 29.5, 20 * margin]])


def test_where_the_wall_was_not_drawn_it_has_its_usual_thickness():
    labels = np.zeros((40, 50), np.uint8)
    labels[11:19, 24:36] = 1
    np.testing.assert_allclose(square_around(labels, 1.5, 1.2), [[14.5, 29.5, 1.2 * (12 + 2 * WALL_MM / 1.5)]])


def test_without_a_cavity_there_is_no_square():
    assert square_around(np.full((9, 9), 2), 1.0, 1.2).shape == (0, 3)


def test_a_slice_has_its_square_from_the_frame_in_which_most_is_drawn():
    reference = np.full((4, 4, 40, 40), 255, np.uint8)
    reference[1, :3] = reference[3, :3] = 0
    reference[1, 0, 10:14, 10:14] = 1  # ES
    reference[3, 0, 8:16, 8:16] = 1  # ED
    reference[3, 1, 10:20, 10:20] = 1
    reference[1, 2, 20:23, 20:23] = 1  # in ES alone
    wall = 2 * WALL_MM
    expected = [[11.5, 11.5, 8 + wall], [14.5, 14.5, 10 + wall], [21, 21, 3 + wall], [np.nan] * 3]
    np.testing.assert_allclose(reference_squares(reference, 1.0, 1.0), expected)
    assert drawn_frames(reference).tolist() == [1, 3]
