import numpy as np
import pytest
from drawn_hearts import windows

from lvpipe.detection.cascade.levels import levels, sides_between, squares_of


def test_sides_grow_by_the_factor_up_to_the_most():
    assert sides_between(36, 36 * 1.1**3, 1.1) == pytest.approx([36, 39.6, 43.56, 47.916])
    assert sides_between(30, 32, 1.1) == [30]


def test_sides_beyond_the_image_have_no_level():
    image = np.zeros((50, 90), np.uint8)
    assert [scale for scale, _ in levels(image, 24, [24, 48, 50, 51])] == [1, 2, 50 / 24]
    assert list(levels(np.zeros((10, 10), np.uint8), 24, [24.0])) == []


@pytest.mark.parametrize("side", [20, 24, 36, 61.7])
def test_a_window_of_a_level_is_its_square_of_the_image(side):
    """A bright square about (70, 55) fills the window whose square it is, and no other."""
    image = np.zeros((130, 120), np.uint8)
    reach = int(side // 2)
    image[70 - reach : 70 + reach + 1, 55 - reach : 55 + reach + 1] = 255
    ((scale, level),) = levels(image, 24, [side])
    places = windows(level.shape, 24)
    cut = np.lib.stride_tricks.sliding_window_view(level, (24, 24))
    best = places[cut.reshape(-1, 576).mean(axis=1).argmax()]
    square = squares_of(best[None], 24, scale)[0]
    assert square[:2] == pytest.approx((70, 55), abs=scale / 2 + 0.5)
    assert square[2] == pytest.approx(side)


def test_a_level_of_the_windows_own_size_is_the_image_itself():
    image = np.random.default_rng(0).integers(0, 256, (40, 33)).astype(np.uint8)
    ((scale, level),) = levels(image, 24, [24])
    assert scale == 1
    assert (level == image).all()
