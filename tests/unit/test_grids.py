import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
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


@pytest.mark.parametrize("seed", range(20))
def test_between_pixels_values_are_those_of_simpleitk(seed):
    random = np.random.default_rng(seed)
    old = random.uniform(0.6, 3.2, 2)
    new = old * random.uniform(0.3, 1, 2)  # none coarser: nothing is averaged
    source = Grid((24, 31), tuple(old), (5.0, -3.0))
    finer = Grid((40, 52), tuple(new), tuple(random.uniform(-10, 10, 2)))
    frame = random.integers(0, 255, source.shape_yx).astype(np.float32)
    moving = sitk.GetImageFromArray(frame)
    moving.SetSpacing(source.spacing_yx_mm[::-1])
    moving.SetOrigin(source.origin_yx_mm[::-1])
    size, origin, step = finer.shape_yx[::-1], finer.origin_yx_mm[::-1], finer.spacing_yx_mm[::-1]
    theirs = sitk.Resample(moving, size, sitk.Transform(), sitk.sitkLinear, origin, step, (1, 0, 0, 1), 77.0)
    np.testing.assert_allclose(carry(frame[None], source, finer, fill=77)[0], sitk.GetArrayFromImage(theirs), atol=1e-3)


@pytest.mark.parametrize("how", ["linear", "nearest"])
def test_pixels_that_coincide_are_copied(how):
    frames = np.random.default_rng(0).integers(0, 255, (2, 30, 40)).astype(np.uint8)
    grid = Grid((30, 40), (1.1, 0.7), (3.3, -5.9))
    carried = carry(frames, grid, grid.window(-4, 31, 16), how, fill=9)
    assert carried.dtype == (np.float32 if how == "linear" else np.uint8)
    np.testing.assert_array_equal(carried[:, 4:, :9], frames[:, :12, 31:])
    assert (carried[:, :4] == 9).all()
    assert (carried[:, :, 9:] == 9).all()
    assert (carry(frames, grid, grid.window(-40, 31, 16), how, fill=9) == 9).all()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(step=st.tuples(steps, steps), first=st.tuples(*[st.floats(-60, 60)] * 2))
def test_a_grid_knows_where_it_lies_over_another(step, first):
    grid, other = Grid((25, 40), (1.3, 1.1), (2.0, -7.0)), Grid((21, 17), step, first)
    frames = np.full((1, 21, 17), 5, np.float32)
    rows, columns = grid.over(other)
    whole = np.zeros((1, 25, 40), np.float32)
    whole[:, rows, columns] = carry(frames, other, grid.part(rows, columns))
    np.testing.assert_array_equal(whole, carry(frames, other, grid))
    covered = np.argwhere(whole[0])
    if len(covered):
        ends = covered.min(axis=0), covered.max(axis=0) + 1
        spare = np.array(
            [[ends[0][0] - rows.start, rows.stop - ends[1][0]], [ends[0][1] - columns.start, columns.stop - ends[1][1]]]
        )
        assert spare.max() <= 2


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
