import numpy as np
import pytest
import torch

from lvpipe.detection.patches import Cutter, standardise


def ramp(height=60, width=81) -> np.ndarray:
    """Six frames that grow along the rows by 2, along the columns by 1, and from frame to frame by 3."""
    t, y, x = np.indices((6, height, width))
    return (2 * y + x + 3 * t).astype(np.uint8)


@pytest.mark.parametrize("square", [(30.0, 40.0, 25.0), (21.3, 33.8, 17.0), (30.0, 40.0, 52.0)])
def test_a_square_of_a_ramp_is_a_ramp(square):
    row, column, side = square
    (patch,) = Cutter(ramp()).cut(np.array([square])).numpy()
    ticks = side * ((np.arange(25) + 0.5) / 25 - 0.5)
    expected = 2 * (row + ticks)[:, None] + (column + ticks)[None]
    for t in range(6):
        np.testing.assert_allclose(patch[t], expected + 3 * t, atol=0.52)


def test_squares_of_all_sizes_keep_their_order():
    squares = np.array([(30, 40, 110), (30, 40, 20), (25, 35, 60), (30, 40, 20.0)])
    together = Cutter(ramp()).cut(squares)
    for i in range(len(squares)):
        torch.testing.assert_close(together[i : i + 1], Cutter(ramp()).cut(squares[i : i + 1]))


def test_beyond_the_image_is_black():
    (patch,) = Cutter(np.full((6, 40, 40), 200, np.uint8)).cut(np.array([(0.0, 20.0, 20.0)])).numpy()
    assert patch[:, :11].max() == 0
    assert patch[:, 13:].min() == pytest.approx(200)


def test_large_squares_are_averaged_and_not_picked_from():
    y, x = np.indices((200, 200))
    checks = np.tile(255 * ((y + x) % 2), (6, 1, 1)).astype(np.uint8)
    (patch,) = Cutter(checks).cut(np.array([(100.3, 99.1, 110.0)])).numpy()
    assert np.abs(patch - 127.5).max() < 5


def test_frames_are_standardised_one_by_one_and_even_ones_stay_even():
    random = torch.Generator().manual_seed(0)
    patch = 100 + 20 * torch.randn(1, 6, 25, 25, generator=random)
    other = patch.clone()
    other[:, 2] = other[:, 2] * 0.5 + 70  # stretched by itself
    torch.testing.assert_close(standardise(other), standardise(patch), atol=1e-4, rtol=1e-4)
    assert standardise(patch).std() == pytest.approx(1, abs=0.01)
    assert standardise(100 + 0.5 * torch.randn(1, 6, 25, 25, generator=random)).std() < 0.1
