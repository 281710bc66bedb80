"""Networks that look at an image in several ways."""

import itertools

import numpy as np
import pytest
import torch

from lvpipe.config.segment import SegmentSettings
from lvpipe.learning.apply import draw_images, turn_back, turned
from lvpipe.turns import TURNS

IMAGES = np.random.default_rng(3).integers(0, 256, (5, 12, 12)).astype(np.uint8)


class Blurred(torch.nn.Module):
    """Equivariant: the mean of a pixel and its four neighbours, and twice that."""

    def forward(self, images):
        cross = torch.tensor([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]])[None, None] / 5
        mean = torch.nn.functional.conv2d(images, cross, padding=1)
        return torch.cat([mean, 2 * mean], dim=1)


class Ramp(torch.nn.Module):
    """Not equivariant: surer to the lower right."""

    def forward(self, images):
        return images + torch.linspace(-2, 2, images.shape[-1]) + torch.linspace(0, 1, images.shape[-1])[:, None]


def draw(network, turns, batch_images=2) -> np.ndarray:
    return draw_images([network], IMAGES, batch_images, "float32", turns=SegmentSettings(turns=turns).ways)


def test_the_eight_ways_are_different_and_each_is_undone():
    pattern = torch.arange(9).reshape(1, 1, 3, 3)
    ways = [turned(pattern, turn) for turn in TURNS.values()]
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(ways, 2))
    assert all(torch.equal(turn_back(way, turn), pattern) for way, turn in zip(ways, TURNS.values(), strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mirror_x", [[1, 0], [3, 2]]), ("mirror_y", [[2, 3], [0, 1]]), ("half_turn", [[3, 2], [1, 0]]),
     ("quarter_turn", [[1, 3], [0, 2]]), ("transpose", [[0, 2], [1, 3]]), ("antitranspose", [[3, 1], [2, 0]])],
)  # fmt: skip
def test_a_turn_does_what_its_name_says(name, expected):
    assert turned(torch.tensor([[0, 1], [2, 3]]), TURNS[name]).tolist() == expected


@pytest.mark.parametrize("turns", ["mirrors", "all", ["quarter_turn"]])
def test_a_network_that_turns_with_the_image_says_the_same(turns):
    np.testing.assert_allclose(draw(Blurred(), turns), draw(Blurred(), "none"), atol=1e-6)


@pytest.mark.parametrize(("turns", "n"), [("none", 1), ("mirrors", 4), ("all", 8)])
def test_probabilities_are_the_mean_over_the_turns(turns, n):
    by_hand = [
        turn_back(
            torch.from_numpy(draw_images([Ramp()], turned(torch.from_numpy(IMAGES), turn).numpy(), 5, "float32")), turn
        )
        for turn in list(TURNS.values())[:n]
    ]
    np.testing.assert_allclose(draw(Ramp(), turns), torch.stack(by_hand).mean(dim=0).numpy(), atol=1e-6)


def test_a_list_of_turns_is_what_it_lists():
    assert SegmentSettings(turns=["identity", "half_turn"]).ways == (TURNS["identity"], TURNS["half_turn"])
    with pytest.raises(ValueError, match="turns"):
        SegmentSettings(turns=[])
