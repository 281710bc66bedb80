import numpy as np
import pytest
import torch

from lvpipe.config.detect import LocatorSettings
from lvpipe.detection.heat import as_chances, centres, expected_squares
from lvpipe.detection.teaching.locating import Examples, Locating, change

SIDE = 96


def dots(squares) -> torch.Tensor:
    """Images with a bright disk in each square, an eighth as wide, in both channels."""
    y, x = np.indices((SIDE, SIDE))
    images = [np.hypot(y - row, x - column) < side / 8 for row, column, side in squares]
    return torch.tensor(np.array(images), dtype=torch.float32)[:, None].repeat(1, 2, 1, 1)


def test_places_and_sizes_are_expected_values_over_the_map():
    found = torch.zeros((1, 2, 48, 48))
    found[0, 0, 10, 30] = found[0, 0, 12, 30] = 40
    found[0, 1] = np.log(0.5)
    square = expected_squares(as_chances(found), found[:, 1], SIDE)
    np.testing.assert_allclose(square[0], [22.5, 60.5, SIDE / 8], atol=1e-4)
    assert centres(48, SIDE)[[0, 47]].tolist() == [0.5, 94.5]


def test_squares_go_where_their_hearts_go():
    squares = torch.tensor([[48.0, 48.0, 24.0], [40.0, 56.0, 32.0]]).repeat(20, 1)
    images, moved = change(dots(squares.numpy()), squares, torch.Generator().manual_seed(3))
    y, x = np.indices((SIDE, SIDE))
    for (image, *_), (row, column, side) in zip(images.numpy(), moved.numpy(), strict=True):
        seen = (image * y).sum() / image.sum(), (image * x).sum() / image.sum()
        if not 16 < min(row, column) < max(row, column) < 80:
            continue  # partly outside
        np.testing.assert_allclose(seen, (row, column), atol=0.6)
        assert (image > 0.5).sum() == pytest.approx(np.pi * (side / 8) ** 2, rel=0.35)
    assert moved[:, :2].std(dim=0).min() > 4
    assert (images[:, 1].amax(dim=(1, 2)) == 0).float().mean() == pytest.approx(0.1, abs=0.1)


def test_what_is_right_costs_less_than_what_is_wrong_and_counts_as_near():
    squares = np.array([[40.5, 52.5, 24.0]], np.float32)
    examples = Examples(dots(squares).numpy().astype(np.float16), squares)
    task = Locating(examples, examples, LocatorSettings(precision="float32"))
    told = torch.zeros((1, 2, 48, 48))
    told[0, 0, 20, 26] = 12

    class Says(torch.nn.Module):
        def forward(self, images):
            return self.map

    network = Says()
    network.map = told
    right = task.evaluate(network)
    network.map = told.roll(6, dims=3)
    wrong = task.evaluate(network)
    assert (right[1], wrong[1]) == (1.0, 0.0)
    assert right[0] < wrong[0]


def test_batches_hold_every_slice_once():
    squares = np.random.default_rng(0).uniform(30, 60, (21, 3)).astype(np.float32)
    examples = Examples(np.zeros((21, 2, 8, 8), np.float16), squares)
    task = Locating(examples, examples, LocatorSettings(batch_images=8))
    seen = [batch[1].numpy() for batch in task.batches(np.random.default_rng(1))]
    assert [len(one) for one in seen] == [7, 7, 7]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen), axis=0), np.sort(squares, axis=0))
