import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from lvpipe.cine.contours import covered, parse_points, polygon_area
from lvpipe.cine.references import Drawing, reference_labels, reference_volumes

FINE = 24
"""Samples along each side of a pixel, to check coverages against."""

SQUARE = np.array([(2.0, 3.0), (6.0, 3.0), (6.0, 8.0), (2.0, 8.0)])


def circle(x, y, radius, points=90):
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], 1)


def test_a_polygon_between_pixel_edges_is_exact():
    mask = covered(SQUARE - 0.5, (12, 10))
    expected = np.zeros((12, 10), bool)
    expected[3:8, 2:6] = True
    np.testing.assert_array_equal(mask, expected)


def test_pixels_cut_in_halves_are_shared_out():
    assert polygon_area(SQUARE) == 20
    assert covered(SQUARE, (12, 10)).sum() == 20


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    x=st.floats(5, 15),
    y=st.floats(5, 15),
    radius=st.floats(2, 12),
    grid=st.sampled_from([1e-9, 0.5]),
    bite=st.floats(0, 1),
)
def test_pixels_count_by_the_share_of_them_that_is_covered(x, y, radius, grid, bite):
    points = circle(x, y, radius)
    points[:20] = (1 - bite) * points[:20] + bite * np.array([x, y])
    points = np.rint(points / grid) * grid
    fine = polygon2mask((24 * FINE, 24 * FINE), (points[:, ::-1] + 0.5) * FINE - 0.5)
    share = fine.reshape(24, FINE, 24, FINE).mean(axis=(1, 3))
    mask = covered(points, (24, 24))
    assert mask[share > 0.5 + 2 / FINE].all()
    assert not mask[share < 0.5 - 2 / FINE].any()


def test_a_polygon_outside_the_image_covers_nothing():
    assert not covered(SQUARE - 20, (12, 10)).any()
    assert covered(SQUARE + np.array([6, 0]), (12, 10)).sum() > 0


def test_labels_of_drawn_and_undrawn():
    drawings = [
        Drawing(1, 0, "inner", circle(10, 10, 4), 50.0),
        Drawing(1, 0, "outer", circle(10, 10, 7), 150.0),
        Drawing(3, 1, "inner", circle(10, 10, 3), 28.0),
    ]
    labels = reference_labels(drawings, [], (4, 3, 20, 20), "background")
    assert (labels[[0, 2]] == 255).all()
    assert labels[1, 0, 10, 10] == 1
    assert labels[1, 0, 10, 16] == 2
    assert labels[1, 0, 0, 0] == 0
    assert (labels[1, 1:] == 0).all()
    assert set(np.unique(labels[3, 1])) == {0, 1}
    assert (reference_labels(drawings, [], (4, 3, 20, 20), "unknown")[1, 1:] == 255).all()


def test_volumes_of_the_two_drawn_frames():
    drawings = [Drawing(t, z, "inner", SQUARE, area) for t, z, area in ((5, 0, 300.0), (5, 1, 400.0), (2, 1, 250.0))]
    volumes = reference_volumes(drawings, [], 10.0)
    assert volumes is not None
    assert (volumes["edv_ml"], volumes["esv_ml"], volumes["ed_frame"], volumes["es_frame"]) == (7.0, 2.5, 5, 2)
    alone = reference_volumes(drawings[:2], [], 10.0)
    assert alone is not None
    assert (alone["edv_ml"], alone["esv_ml"], alone["es_frame"]) == (7.0, None, None)
    assert reference_volumes([], [], 10.0) is None


@pytest.mark.parametrize(
    "content", [b"", b"1 2\n3 4\n", b"1 2 3\n4 5 6\n7 8 9\n", b"a b\n", b"1 nan\n2 2\n3 1\n", b"\xff"]
)
def test_a_malformed_contour_is_refused(content):
    with pytest.raises(ValueError):  # noqa: PT011 each kind says its own
        parse_points(content)


def test_points_are_read():
    np.testing.assert_array_equal(parse_points(b"1.50 2\r\n3 4\n\n5 6.5\n"), [[1.5, 2], [3, 4], [5, 6.5]])
