import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studies import NORMAL, X, Y, plane

from lvpipe import geometry


def test_the_axis_points_to_the_apex():
    np.testing.assert_allclose(geometry.apexward(NORMAL), -NORMAL)
    np.testing.assert_allclose(geometry.apexward(-NORMAL), -NORMAL)
    assert geometry.position_mm(plane(30), -NORMAL) - geometry.position_mm(plane(0), -NORMAL) == pytest.approx(30)


def test_tilt_does_not_care_which_way_a_normal_points():
    tilted = geometry.unit(NORMAL + np.tan(np.radians(7)) * X)
    assert geometry.tilt_degrees(NORMAL, -tilted) == pytest.approx(7)


@settings(deadline=None, derandomize=True)
@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.5, 2),
    shift=st.floats(-9, 9),
    height=st.floats(-50, 50),
    flip=st.booleans(),
)
def test_a_pixel_map_agrees_with_patient_space(angle, scale, shift, height, flip):
    x = np.cos(angle) * X + np.sin(angle) * Y
    y = (np.cos(angle) * Y - np.sin(angle) * X) * (-1 if flip else 1)
    source = plane(height, x=x, y=y, spacing=(1.5 * scale, 1.2), shift=(shift, -shift))
    target = plane(0)
    pixels = np.array([[3.0, 4.0], [40.0, 7.0]])
    mapped = geometry.map_points(geometry.pixel_map(source, target), pixels)
    there = np.array(source.origin_mm) + mapped @ source.steps_mm.T
    here = np.array(target.origin_mm) + pixels @ target.steps_mm.T
    np.testing.assert_allclose(there - here, np.outer([1, 1], -height * NORMAL), atol=1e-8)
    back = geometry.map_points(geometry.inverse_map(geometry.pixel_map(source, target)), mapped)
    np.testing.assert_allclose(back, pixels, atol=1e-8)


def test_the_same_grid_is_seen_along_the_normal():
    others = [
        *(plane(80), plane(0, shift=(0.3, 0)), plane(0, shape=(40, 47)), plane(0, x=-X, y=-Y), plane(0, x=NORMAL, y=Y)),
        plane(0, x=geometry.unit(X + 0.01 * NORMAL)),
        plane(0, spacing=(1.5, 1.5 / 2), shape=(40, 95)),  # its corners are where they should be
    ]
    assert geometry.same_grids([plane(0), *others], 0.1)[0].tolist() == [True, True] + [False] * 6


def test_voxels_to_ras_millimetres_and_back():
    affine = geometry.affine_ras(plane(0), -8 * NORMAL)
    voxels = np.array([[0.0, 0.0, 0.0], [5.0, 6.0, 2.0]])
    expected = np.array(plane(16).origin_mm) + plane(16).steps_mm @ [5, 6]
    np.testing.assert_allclose(geometry.to_mm(affine, voxels)[1], expected * [-1, -1, 1])


def test_even_and_uneven_rows():
    assert geometry.is_even([0, 8, 16.01, 24])
    assert not geometry.is_even([0, 8, 16, 32])
    assert not geometry.is_even([0])
    start, step = geometry.fit_even_row(np.array([[1.0, 0, 0], [2.001, 0, 0], [3.0, 0, 0]]))
    assert step[0] == pytest.approx(1)
    assert start[0] == pytest.approx(1, abs=1e-3)
