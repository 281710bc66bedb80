"""Random changes of batches: image and target move together, and each change changes what it should."""

import numpy as np
import pytest
import torch

from lvpipe.config.train import Augmentation
from lvpipe.learning.augment import Augmenter

SIDE = 112
NONE = {"rotate_degrees": 0, "scale_share": 0, "mirror_y": False, "shift_px": 0, "gamma": 1, "noise_sd": 0}
NONE |= {"bias_share": 0, "share": 1}
UNKNOWN = 255

SHAPES = {
    "rotate": {"rotate_degrees": 90},
    "quarter turns": {"turn_degrees": 90},
    "half turns": {"turn_degrees": 180},
    "scale": {"scale_share": 0.3},
    "scale range": {"scale_range": (0.5, 1.0)},
    "mirror y": {"mirror_y": True},
    "mirror x": {"mirror_x": True},
    "shift": {"shift_px": 20},
    "room": {"scale_range": (0.6, 1.0), "room_share": 0.5, "room_from": 0.5},
    "bend": {"bend_px": 4},
    "all": {"rotate_degrees": 30, "scale_share": 0.2, "mirror_x": True, "shift_px": 6, "bend_px": 2},
}
LIGHT = {
    "equalise": {"equalise_clip": 3},
    "gamma": {"gamma": 1.5},
    "contrast": {"contrast_share": 0.3},
    "brightness": {"brightness_share": 0.3},
    "bias": {"bias_share": 0.3},
    "blur": {"blur_px": 1.5},
    "coarse": {"coarse_factor": 3},
    "noise": {"noise_sd": 0.05},
}


def augmenter(seed: int = 3, **wanted) -> Augmenter:
    return Augmenter(Augmentation(**{**NONE, **wanted}), seed)


def blobs(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright smooth oval off centre, and the target where it is above one half."""
    y, x = np.indices((SIDE, SIDE))
    blob = np.exp(-(((y - 50) / 32) ** 2 + ((x - 62) / 23) ** 2))
    images = torch.tensor(np.tile(blob, (n, 1, 1, 1)), dtype=torch.float32)
    return images, (images > 0.5).float()


def dice(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return 2 * (first * second).sum((1, 2, 3)) / (first.sum((1, 2, 3)) + second.sum((1, 2, 3)))


@pytest.mark.parametrize("name", SHAPES)
def test_image_and_target_move_together(name):
    images, targets = blobs()
    moved, drawn = augmenter(**SHAPES[name])(images, targets)
    assert dice((moved > 0.5).float(), drawn).min() > 0.97
    assert dice(targets, drawn).min() < 0.97, "something did move"
    assert set(drawn.unique().tolist()) == {0, 1}


@pytest.mark.parametrize("name", LIGHT)
def test_intensities_change_and_targets_do_not(name):
    images, targets = blobs()
    images += 0.05 * torch.rand(images.shape, generator=torch.Generator().manual_seed(1))
    changed, drawn = augmenter(**LIGHT[name])(images, targets)
    assert torch.equal(drawn, targets)
    assert (changed - images).abs().mean((1, 2, 3)).median() > 1e-4
    assert dice((changed > changed.mean()).float(), (images > images.mean()).float()).min() > 0.5, "a heart still"


@pytest.mark.parametrize("name", [name for name in LIGHT if name != "equalise"])
def test_each_image_has_a_change_of_its_own(name):
    first, second = augmenter(**LIGHT[name])(*blobs(2))[0]
    assert (first - second).abs().mean() > 1e-4


@pytest.mark.parametrize("name", [*SHAPES, *LIGHT])
def test_a_change_that_is_not_wanted_draws_nothing_and_changes_nothing(name):
    images, targets = blobs(3)
    augment = augmenter(**{**SHAPES, **LIGHT}[name], share=0)
    before = augment.random.get_state()
    changed, drawn = augment(images, targets)
    assert torch.equal(changed, images)
    assert torch.equal(drawn, targets)
    assert torch.equal(augment.random.get_state(), before)


def test_labels_keep_their_values_and_what_comes_in_from_outside_is_background():
    images = torch.rand(8, 1, SIDE, SIDE)
    targets = torch.full((8, 2, SIDE, SIDE), UNKNOWN, dtype=torch.uint8)
    targets[:, 1, 20:40] = 3
    _, drawn = augmenter(**SHAPES["all"])(images, targets)
    assert drawn.dtype == torch.uint8
    assert drawn[:, 0].unique().tolist() == [0, UNKNOWN]
    assert drawn[:, 1].unique().tolist() == [0, 3, UNKNOWN]
    assert torch.equal(drawn[:, 0] == 0, drawn[:, 1] == 0), "all channels move alike"


def test_quarter_turns_are_exact_and_all_four_come():
    images = torch.rand(40, 1, 9, 9)
    turned, _ = augmenter(turn_degrees=90)(images, images)
    ways = [
        [torch.allclose(one, torch.rot90(image, k, (1, 2)), atol=1e-4) for k in range(4)]
        for one, image in zip(turned, images, strict=True)
    ]
    assert [sum(way) for way in ways] == [1] * 40
    assert all(map(any, zip(*ways, strict=True)))


def test_a_mirror_is_exact_and_a_fair_draw():
    images = torch.rand(200, 1, 9, 9)
    mirrored, _ = augmenter(mirror_x=True)(images, images)
    there = (mirrored - images.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert 80 < there.sum() < 120
    torch.testing.assert_close(mirrored[~there], images[~there], atol=1e-5, rtol=0)


def test_shifts_stay_within_their_pixels():
    images = torch.zeros(100, 1, SIDE, SIDE)
    images[:, :, 56, 56] = 1
    _, drawn = augmenter(shift_px=20)(images, images)
    places = torch.nonzero(drawn)[:, 2:] - 56
    assert len(places) == 100
    assert places.abs().max() <= 20
    assert (places.float().abs().mean(dim=0) - 10).abs().max() < 2


def test_what_the_window_shows_is_within_the_range_and_the_box_within_the_room():
    """A box of half the window's side stays within it, whatever part of the window is shown."""
    images = torch.zeros(200, 1, SIDE, SIDE)
    images[:, :, SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = 1
    _, drawn = augmenter(scale_range=(0.5, 1.0), room_share=1, room_from=0.5)(images, images)
    sides = drawn.sum((1, 2, 3)).sqrt()
    assert sides.min() > SIDE / 2 - 2, "all of it is there"
    assert sides.min() < 0.55 * SIDE
    assert sides.max() > 0.9 * SIDE


def test_single_shares_go_before_the_common_one():
    images, targets = blobs(200)
    augment = augmenter(noise_sd=0.1, brightness_share=0.5, share=0, shares={"noise": 0.25})
    changed = (augment(images, targets)[0] != images).flatten(1).any(dim=1)
    assert 30 < changed.sum() < 70


def test_an_equalised_image_spreads_over_all_levels_but_one_of_one_level_stays():
    faint = 0.4 + 0.1 * torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    spread, _ = augmenter(equalise_clip=100)(faint, faint)
    assert spread.std() > 8 * faint.std()
    assert spread.max() < 1 + 1e-6
    flat, _ = augmenter(equalise_clip=3)(torch.full((1, 1, SIDE, SIDE), 0.4), faint)
    assert flat.std() < 1e-6


def test_a_coarse_image_lost_what_is_fine_and_a_blurred_one_spreads_a_point():
    stripes = (torch.arange(SIDE) % 2).float().expand(6, 1, SIDE, SIDE)
    coarse, _ = augmenter(coarse_factor=4)(stripes, stripes)
    assert coarse.std() < 0.8 * stripes.std()
    point = torch.zeros(6, 1, SIDE, SIDE)
    point[:, :, 56, 56] = 1
    blurred, _ = augmenter(blur_px=2)(point, point)
    torch.testing.assert_close(blurred.sum((1, 2, 3)), torch.ones(6))
    assert blurred.amax((1, 2, 3)).min() < 0.2


def test_equal_seeds_augment_alike():
    every = {key: value for each in (*SHAPES.values(), *LIGHT.values()) for key, value in each.items()}
    first, second, third = (augmenter(seed, **every | {"share": 0.5})(*blobs())[0] for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
