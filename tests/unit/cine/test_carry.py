import numpy as np
import pytest
from studies import X, Y, plane, view

from lvpipe.cine.carry import carried_frames
from lvpipe.geometry import pixel_map


def carried(source, target, tolerance=0.1):
    frames = view(source)[None]
    return carried_frames(frames, pixel_map(source, target), target.shape_yx, tolerance)


def test_the_same_grid_is_not_touched():
    frames = view(plane())[None]
    same, how = carried_frames(frames, pixel_map(plane(8), plane()), (40, 48), 0.1)
    assert (same is frames, how) == (True, "")


@pytest.mark.parametrize(("x", "y"), [(Y, X), (-Y, X), (-X, -Y), (X, -Y), (Y, -X)])
def test_turns_and_mirrors_are_exact(x, y):
    shape = (40, 48) if abs(x @ X) > 0.5 else (48, 40)
    found, how = carried(plane(x=x, y=y, shape=shape), plane())
    np.testing.assert_array_equal(found[0], view(plane()))
    assert "exactly" in how


def test_another_matrix_is_padded_with_zeros():
    found, how = carried(plane(shape=(20, 30)), plane())
    np.testing.assert_array_equal(found[0, 10:30, 9:39], view(plane())[10:30, 9:39])
    assert found[0, :10].max() == 0
    assert "exactly" in how


@pytest.mark.parametrize("spacing", [0.5, 1.0, 2.0])
def test_other_spacings_are_interpolated_without_a_shift(spacing):
    source = plane(spacing=(spacing, spacing), shape=(round(60 / spacing), round(72 / spacing)))
    found, how = carried(source, plane())
    assert "linearly" in how
    difference = found[0, 2:-2, 2:-2].astype(float) - view(plane())[2:-2, 2:-2]
    assert abs(difference).max() < 100
    assert abs(difference.mean()) < 3


def test_a_coarser_target_averages_noise():
    rng = np.random.default_rng(0)
    source = plane(spacing=(0.5, 0.5), shape=(120, 144))
    noise = rng.normal(0, 100, (1, 120, 144)).astype(np.float32)
    found, _ = carried_frames(noise, pixel_map(source, plane()), (40, 48), 0.1)
    assert found.std() == pytest.approx(100 / 3, rel=0.15)
