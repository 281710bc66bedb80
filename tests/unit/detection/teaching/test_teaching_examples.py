"""Examples of several cases together."""

import numpy as np
import pytest

from lvpipe.detection.teaching.examples import Examples, join, patches_per_slice


def some(n, value):
    return Examples(np.full((n, 6, 25, 25), value, np.uint8), np.full((n, 3), value, np.float32))


def test_joined_examples_stand_in_their_order_and_are_held_once():
    parts = {"a": some(2, 1), "b": some(3, 2), "c": some(1, 3)}
    both = join(parts, ["c", "a"])
    assert both.images_ncyx[:, 0, 0, 0].tolist() == both.targets[:, 0].tolist() == [3, 1, 1]
    assert (both.images_ncyx.dtype, both.images_ncyx.shape, both.targets.shape) == (np.uint8, (3, 6, 25, 25), (3, 3))
    assert list(parts) == ["b"]


@pytest.mark.parametrize(
    ("wanted", "cases", "expected"),
    [(100, 2, 100), (100, 83, 100), (100, 100, 83), (100, 1000, 8), (100, 10_000, 4), (1, 10_000, 1), (40, 200, 40)],
)
def test_many_cases_have_fewer_squares_of_each_slice(wanted, cases, expected):
    assert patches_per_slice(wanted, cases) == expected
