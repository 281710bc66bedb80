import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.geometry import to_mm
from lvpipe.grids import Grid, affine_on, carry, centred, grid_of, grid_within
from lvpipe.images import Image

OBLIQUE = np.array([[1.44, -0.42, -2.0, -40], [0.42, 1.44, 1.0, 17], [0.2, 0.1, 8.0, 3], [0, 0, 0, 1.0]])
steps = st.floats(0.6, 3.2)


def rows_mm(grid: Grid) -> np.ndarray:
    return grid.origin_yx_mm[0] + grid.spacing_yx_mm[0] * np.arange(grid.shape_yx[0])


def columns_mm(grid: Grid) -> np.ndarray:
    return grid.origin_yx_mm[1] + grid.spacing_yx_mm[1] * np.arange(grid.shape_yx[1])


def blob(grid: Grid, y_mm: float, x_mm: float, sd_mm: float = 6.0) -> np.ndarray:
    y, x = np.meshgrid(rows_mm(grid), columns_mm(grid), indexing="ij")
    return np.exp(-((y - y_mm) ** 2 + (x - x_mm) ** 2) / (2 * sd_mm**2)).astype(np.float32)


def centre_mm(image_yx: np.ndarray, grid: Grid) -> tuple[float, float]:
    total = image_yx.sum()
    return (image_yx.sum(axis=1) @ rows_mm(grid)) / total, (image_yx.sum(axis=0) @ columns_mm(grid)) / total


@settings(deadline=None, derandomize=True, max_examples=60)
@given(old=st.tuples(steps, steps), new=st.tuples(steps, steps), shift=st.tuples(*[st.floats(-5, 5)] * 2))
def test_carrying_moves_nothing(old, new, shift):
    source = Grid((round(90 / old[0]), round(90 / old[1])), old, (3.0, -2.0))
    target = centred(source, new)
    y, x = 3 + 44 + shift[0], -2 + 44 + shift[1]
    carried = carry(blob(source, y, x)[None], source, target)[0]
    assert centre_mm(carried, target) == pytest.approx((y, x), abs=0.06)
    pixel, new_pixel = old[0] * old[1], new[0] * new[1]
    assert carried.sum() * new_pixel == pytest.approx(blob(source, y, x).sum() * pixel, rel=0.02)


@pytest.mark.parametrize("factor", [1.5, 2, 2.5, 3, 4])
def test_a_coarser_grid_averages_what_its_pixels_cover(factor):
    source = Grid((48, 48), (1.0, 1.0))
    stripes = np.tile((np.arange(48) % 2).astype(np.float32), (1, 48, 1))
    carried = carry(stripes, source, centred(source, (factor, factor)))
    inner = carried[0, 2:-2, 2:-2]
    assert np.abs(inner - 0.5).max() <= (0.34 if factor < 2 else 0.17)


def test_the_same_grid_changes_nothing():
    frames = np.random.default_rng(0).random((3, 12, 15)).astype(np.float32)
    grid = Grid((12, 15), (1.3, 1.3), (4.0, 5.0))
    np.testing.assert_allclose(carry(frames, grid, grid), frames, atol=1e-6)
    np.testing.assert_allclose(carry(frames, grid, grid, how="nearest"), frames, atol=1e-6)


def test_all_frames_and_both_axes_keep_their_places():
    frames = np.zeros((2, 10, 16), np.uint8)
    frames[0, 2, 3], frames[1, 8, 13] = 7, 9
    grid = Grid((10, 16), (1.0, 1.0))
    carried = carry(frames, grid, Grid((8, 12), (1.0, 1.0), (1.0, 2.0)), how="nearest")
    assert carried.dtype == np.uint8
    assert carried[0, 1, 1] == 7
    assert carried[1, 7, 11] == 9
    assert carried.sum() == 16


def test_outside_the_source_is_filled():
    frames = np.ones((1, 4, 4), np.uint8)
    carried = carry(frames, Grid((4, 4), (1.0, 1.0)), Grid((8, 8), (1.0, 1.0), (-2.0, -2.0)), "nearest", fill=255)
    assert (carried[0, 2:6, 2:6] == 1).all()
    assert (carried == 255).sum() == 64 - 16


@settings(deadline=None, derandomize=True)
@given(rows=st.integers(20, 300), step=steps, new=steps, origin=st.floats(-50, 50))
def test_another_spacing_has_the_same_centre_and_nearly_the_same_width(rows, step, new, origin):
    grid = Grid((rows, 2 * rows), (step, step), (origin, -origin))
    other = centred(grid, (new, new))
    assert rows_mm(other).mean() == pytest.approx(rows_mm(grid).mean())
    assert columns_mm(other).mean() == pytest.approx(columns_mm(grid).mean())
    assert abs(other.shape_yx[0] * new - rows * step) <= new / 2 + 1e-9


def test_a_given_shape_is_kept():
    assert centred(Grid((100, 80), (1.0, 1.0)), (2.0, 2.0), (128, 128)).shape_yx == (128, 128)


@settings(deadline=None, derandomize=True)
@given(steps, steps, st.integers(-40, 40), st.integers(-40, 40))
def test_the_affine_of_a_new_grid_says_the_same_places(new_y, new_x, top, left):
    native = Image(np.zeros((1, 2, 30, 40)), OBLIQUE)
    old = grid_of(native)
    assert old.spacing_yx_mm == pytest.approx((np.hypot(np.hypot(0.42, 1.44), 0.1), np.linalg.norm([1.44, 0.42, 0.2])))
    new = centred(old, (new_y, new_x)).window(top, left, 16)
    affine = affine_on(OBLIQUE, old, new)
    pixel = np.array([[3.0, 7.0]])  # x, y on the new grid; the same place in pixels of the old one:
    x = (new.origin_yx_mm[1] + 3 * new_x) / old.spacing_yx_mm[1]
    y = (new.origin_yx_mm[0] + 7 * new_y) / old.spacing_yx_mm[0]
    for z in (0.0, 1.0):
        there = to_mm(affine, np.array([[*pixel[0], z]]))
        np.testing.assert_allclose(there, to_mm(OBLIQUE, np.array([[x, y, z]])), atol=1e-9)


@settings(deadline=None, derandomize=True)
@given(steps, steps, st.integers(-40, 40), st.integers(-40, 40))
def test_the_grid_of_a_carried_image_is_found_from_its_affine(new_y, new_x, top, left):
    square = OBLIQUE.copy()
    square[2, :2] = 0  # in-plane axes at right angles, as in every image
    native = Image(np.zeros((1, 2, 30, 40)), square)
    new = centred(grid_of(native), (new_y, new_x)).window(top, left, 16)
    carried = Image(np.zeros((1, 2, 16, 16)), affine_on(square, grid_of(native), new))
    found = grid_within(carried, native)
    assert found.shape_yx == new.shape_yx
    assert found.spacing_yx_mm == pytest.approx(new.spacing_yx_mm)
    assert found.origin_yx_mm == pytest.approx(new.origin_yx_mm, abs=1e-9)


def test_there_and_back_again():
    native = Grid((80, 90), (1.4, 1.4))
    finer = centred(native, (1.0, 1.0))
    image = blob(native, 50, 61)[None]
    back = carry(carry(image, native, finer), finer, native)
    np.testing.assert_allclose(back[0, 4:-4, 4:-4], image[0, 4:-4, 4:-4], atol=0.04)
