import numpy as np
import pytest
from hearts import as_bytes, chest, heart, nothing_to_find, scene

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.methods import fourier


def find(cine, pixel_mm=1.0, **motion):
    return fourier.find(scene(cine, pixel_mm), DetectSettings(motion=motion))


def test_the_harmonic_is_what_comes_back_once_a_cycle():
    turns = 2 * np.pi * np.arange(16) / 16
    cine = np.zeros((16, 1, 1, 4), np.float32)
    cine[:, 0, 0, 0] = 50 + 7 * np.cos(turns + 1)
    cine[:, 0, 0, 1] = 50 + 7 * np.cos(2 * turns)
    cine[:, 0, 0, 2] = 200
    np.testing.assert_allclose(fourier.first_harmonic(cine)[0, 0], [7, 0, 0, 0], atol=1e-4)


@pytest.mark.parametrize("pixel_mm", [0.7, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("radius", [18.0, 27.0])
def test_the_left_ventricle_and_not_what_moves_more_beside_it(pixel_mm, radius):
    centre = np.array([70, 110]) / pixel_mm
    shape = tuple(round(n / pixel_mm) for n in (150, 170))
    cine = heart(centre, radius, shape, pixel_mm=pixel_mm)[:, None].repeat(5, axis=1)
    plain, found = find(cine, pixel_mm, refine="none"), find(cine, pixel_mm)
    assert np.hypot(*(plain.middle - centre)) * pixel_mm > 10, "the crescent beside it moves more"
    assert np.abs(found.squares[:, :2] - centre).max() * pixel_mm < 5
    assert found.squares[0, 2] * pixel_mm == pytest.approx(1.2 * 2 * (radius + 10), rel=0.25)
    assert found.score > 0.5


def test_the_line_follows_a_heart_that_lies_aslant():
    middles = np.array([70, 80]) + np.outer(np.arange(8) - 3.5, [2.0, -2.5])
    cine = np.stack([heart(middle) for middle in middles], axis=1)
    found = find(cine)
    assert np.abs(found.squares[:, :2] - middles).max() < 5


def test_a_bright_disk_that_stands_still_is_passed_over():
    found = find(chest([(60, 110)] * 4))
    assert np.hypot(*(found.middle - (60, 110))) < 8


def test_a_far_place_that_flickers_does_not_draw_the_line_away():
    cine = as_bytes(heart((70, 110), shape=(140, 240))[:, None].repeat(5, axis=1)).astype(float)
    plain = find(cine)
    cine[:, 2, 20:50, 200:230] += 100 * np.cos(2 * np.pi * np.arange(8) / 8)[:, None, None]
    assert np.abs(find(cine).squares - plain.squares).max() < 3


@pytest.mark.parametrize("slices", [1, 2])
def test_few_slices_are_enough(slices):
    assert np.hypot(*(find(heart()[:, None].repeat(slices, axis=1)).middle - (70, 90))) < 5


@pytest.mark.parametrize("name", nothing_to_find())
def test_nothing_is_found_where_nothing_is_and_why(name):
    found = fourier.find(nothing_to_find()[name], DetectSettings())
    assert not found.found
    assert found.reason
    assert found.score < 0.15
