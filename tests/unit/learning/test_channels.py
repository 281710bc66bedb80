"""Which images of a study are the channels of an example, and what they show."""

import numpy as np
import pytest
import torch

from lvpipe.config.window import Window
from lvpipe.learning.channels import (
    as_channels,
    cycle_slice,
    draw_study,
    fixed_examples,
    moving,
    scale_channels,
)

DRAWN = Window(side_px=16, images="study_draw")
CYCLED = Window(side_px=16, images="slice_cycle")


def study(frames, slices):
    """Each image is one grey value, `10 z + t`."""
    t, z = np.ogrid[:frames, :slices]
    return np.broadcast_to((10 * z + t)[..., None, None], (frames, slices, 16, 16)).astype(np.uint8)


@pytest.mark.parametrize(("frames", "expected"), [(3, [0, 1, 2, 0, 1]), (5, [0, 1, 2, 3, 4]), (8, [0, 1, 2, 3, 4])])
def test_a_slice_is_repeated_from_the_start_or_loses_its_surplus(frames, expected):
    assert cycle_slice(frames, 5).tolist() == expected


@pytest.mark.parametrize("slices", [1, 22])
@pytest.mark.parametrize(("window", "examples"), [(DRAWN, {1: 3, 22: 3}), (CYCLED, {1: 1, 22: 22})])
def test_every_example_has_as_many_channels_whatever_the_study_has(window, examples, slices):
    found = fixed_examples("a", study(4, slices), window, 30, draws=3, seed=1)
    assert found.shape == (examples[slices], 30, 16, 16)


@pytest.mark.parametrize(("frames", "slices"), [(4, 1), (4, 22), (30, 12)])
def test_a_draw_is_sorted_by_slice_and_time_and_repeats_nothing_where_there_is_enough(frames, slices):
    found = draw_study(frames, slices, 30, np.random.default_rng(1))
    places = list(zip(*np.divmod(found, frames), strict=True))
    assert places == sorted(places)
    assert (len(set(places)) == 30) is (frames * slices >= 30)


def test_the_drawn_images_are_in_that_order_too():
    greys = fixed_examples("a", study(4, 6), DRAWN, 8, draws=1, seed=1)[0, :, 0, 0]
    assert greys.tolist() == sorted(greys)
    assert len(set(greys.tolist())) == 8


def test_draws_follow_from_seed_and_name_alone():
    first, again, other, seeded = (
        fixed_examples(case, study(9, 5), DRAWN, 6, draws=2, seed=seed)
        for case, seed in (("a", 1), ("a", 1), ("b", 1), ("a", 2))
    )
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any(), "one draw is not the other"
    assert (first != other).any()
    assert (first != seeded).any()
    more = fixed_examples("a", study(9, 5), DRAWN, 6, draws=4, seed=1)
    np.testing.assert_array_equal(more[:2], first)


def test_deltas_are_how_far_each_pixel_is_from_its_slice_s_mean():
    cine = np.full((4, 2, 16, 16), 50, np.uint8)
    cine[1, 0, 3, 4] = 90  # mean 60
    expected = np.zeros_like(cine)
    expected[:, 0, 3, 4] = [10, 30, 10, 10]
    np.testing.assert_array_equal(moving(cine), expected)
    window = CYCLED.model_copy(update={"deltas": True})
    np.testing.assert_array_equal(fixed_examples("a", cine, window, 4, draws=1, seed=1)[0], expected[:, 0])


def test_each_image_is_scaled_by_itself():
    examples = np.random.default_rng(0).integers(0, 255, (2, 3, 16, 16), np.uint8)
    scaled = scale_channels(as_channels(examples), "standard")
    torch.testing.assert_close(scaled.mean(dim=(2, 3)), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(dim=(2, 3)), torch.ones(2, 3))
    torch.testing.assert_close(scale_channels(as_channels(examples), "unit"), torch.from_numpy(examples) / 255)
