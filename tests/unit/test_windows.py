import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from placing import boxes_at

from lvpipe.boxes import Boxes
from lvpipe.config.window import Window
from lvpipe.errors import UserError
from lvpipe.grids import Grid
from lvpipe.windows import cut, window_areas_mm2, window_grids

IMAGE = np.arange(1, 2 * 3 * 20 * 30 + 1).reshape(2, 3, 20, 30).astype(np.uint16)
VIEW = Grid((20, 30), (1.5, 1.5), (4.0, -2.0))


def windows(boxes: Boxes, window: Window, image=IMAGE) -> np.ndarray:
    return cut(image, window_grids(boxes, window, VIEW), VIEW)


def test_each_slice_has_a_window_of_its_own():
    found = windows(boxes_at((0, 0), (4, 14), (3, 7), side_px=16), Window(side_px=16))
    assert found.shape == (2, 3, 16, 16)
    assert found.dtype == IMAGE.dtype
    np.testing.assert_array_equal(found[:, 0], IMAGE[:, 0, :16, :16])
    np.testing.assert_array_equal(found[:, 1], IMAGE[:, 1, 4:, 14:])
    np.testing.assert_array_equal(found[:, 2], IMAGE[:, 2, 3:19, 7:23])


@settings(deadline=None, derandomize=True, max_examples=60)
@given(top=st.integers(-70, 80), left=st.integers(-70, 80), side=st.sampled_from([16, 25, 64]))
def test_outside_the_image_is_zero(top, left, side):
    found = windows(boxes_at(*[(top, left)] * 3, side_px=side), Window(side_px=side))
    padded = np.pad(IMAGE, ((0, 0), (0, 0), (200, 200), (200, 200)))
    np.testing.assert_array_equal(found, padded[:, :, 200 + top :][:, :, :side, 200 + left :][..., :side])


def test_about_the_image_boxes_do_not_matter():
    found = windows(boxes_at((0, 0), (4, 14), (90, 7), side_px=16), Window(side_px=16, about="image"))
    np.testing.assert_array_equal(found, IMAGE[:, :, 2:18, 7:23])


def test_pixels_of_the_view_stay_whatever_the_size_of_the_box():
    """A middle between two pixels falls to one of them, and nothing is interpolated."""
    boxes = Boxes("x", 1.5, ((10.3, 12.4, 5.0),) * 3)
    np.testing.assert_array_equal(windows(boxes, Window(side_px=17)), IMAGE[:, :, 2:19, 4:21])


def test_a_window_of_the_box_shows_hearts_of_all_sizes_alike():
    y, x = np.indices((200, 200))
    image = np.zeros((1, 2, 200, 200), np.uint8)
    for z, (row, column, radius) in enumerate([(80, 90, 40), (120.5, 100.5, 20)]):
        image[0, z] = 200 * (np.hypot(y - row, x - column) < radius)
    boxes = Boxes("x", 1.0, ((80.0, 90.0, 100.0), (120.5, 100.5, 50.0)))
    view = Grid((200, 200), (1.0, 1.0))
    grids = window_grids(boxes, Window(side_px=32, box_share=1.2), view)
    small = cut(image, grids, view)
    assert small.shape == (1, 2, 32, 32)
    share = (small > 100).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(share, np.pi * 40**2 / 120**2, rtol=0.02)
    for window in small[0]:
        np.testing.assert_allclose(np.argwhere(window > 100).mean(axis=0), 15.5, atol=0.2)


@pytest.mark.parametrize(
    ("size", "areas"),
    [({}, [32**2 * 4] * 2), ({"box_share": 1.5}, [60**2 * 4, 30**2 * 4]), ({"side_mm": 50}, [2500] * 2)],
)
def test_what_a_window_covers(size, areas):
    boxes = Boxes("x", 2.0, ((9.0, 9.0, 40.0), (9.0, 9.0, 20.0)))
    window = Window(side_px=32, **size)
    np.testing.assert_allclose(window_areas_mm2(boxes, window), areas)
    for grid, area in zip(window_grids(boxes, window, Grid((90, 90), (2.0, 2.0))), areas, strict=True):
        assert np.prod(grid.shape_yx) * np.prod(grid.spacing_yx_mm) == pytest.approx(area)


def test_boxes_of_another_cine_are_refused():
    with pytest.raises(UserError, match="2 boxes for 3 slices; expected one each: the box file is of another cine"):
        windows(boxes_at((0, 0), (4, 14), side_px=16), Window(side_px=16))
