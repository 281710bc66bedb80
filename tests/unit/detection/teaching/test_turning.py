"""What random changes do to patches, and to a shift within them."""

import numpy as np
import pytest
import torch

from lvpipe.detection.teaching.turning import _moments, change, turn, turn_shifts

MIDDLE = 12


def random() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def spots(shift: tuple[int, int], n: int) -> torch.Tensor:
    """Patches with one bright pixel, so far down and to the right of the middle."""
    patches = torch.zeros(n, 6, 25, 25)
    patches[:, :, MIDDLE + shift[0], MIDDLE + shift[1]] = 1
    return patches


@pytest.mark.parametrize("way", range(8))
def test_a_bright_spot_goes_where_its_shift_says(way):
    shift, ways = torch.tensor([[-10.0, -7.0]]), torch.tensor([way])
    ((_, row, column),) = torch.nonzero(turn(spots((-10, -7), 1), ways)[:, 0]).tolist()
    assert turn_shifts(shift, ways).tolist() == [[row - MIDDLE, column - MIDDLE]]


def test_all_ways_of_turning_differ():
    ways = torch.arange(8)
    found = {tuple(one) for one in turn_shifts(torch.tensor([[-10.0, -7.0]]).repeat(8, 1), ways).tolist()}
    assert found == {(r, c) for a in (-10, 10) for b in (-7, 7) for r, c in ((a, b), (b, a))}


def test_patches_of_one_batch_are_turned_each_its_own_way():
    shift = torch.tensor([[3.0, 8.0]]).repeat(200, 1)
    changed, ways = change(255 * spots((3, 8), 200), random())
    assert set(ways.tolist()) == set(range(8))
    places = torch.nonzero(changed[:, 0] > 100)[:, 1:] - MIDDLE
    torch.testing.assert_close(places.float(), turn_shifts(shift, ways))


def test_frames_are_rolled_reversed_or_reduced_to_two():
    orders = _moments(400, 6, random())
    kinds = {tuple(np.diff(row.numpy()) % 6) for row in orders}
    assert kinds == {(1,) * 5, (5,) * 5, (0, 0, 3, 0, 0)}
    assert {int(row[0]) for row in orders} == set(range(6))


def test_contrast_changes_frame_by_frame_and_stays_in_range():
    even = torch.full((64, 6, 25, 25), 100.0)
    even[:, :, 0], even[:, :, 1] = 0, 255
    changed, _ = change(even, random())
    greys = changed[:, :, MIDDLE, MIDDLE]
    assert greys.std(dim=0).min() > 5, "from patch to patch"
    assert greys.std(dim=1).min() > 1, "and from frame to frame"
    assert changed.min() == 0
    assert changed.max() == 255


def test_the_same_draw_changes_alike():
    patches = 255 * torch.rand(20, 6, 25, 25, generator=random())
    first, again = (change(patches, random()) for _ in range(2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
