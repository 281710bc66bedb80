import numpy as np
import pytest
from hearts import chest, heart, nothing_to_find, scene

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.methods import mean_deltas


def find(cine, pixel_mm=1.0, **motion):
    return mean_deltas.find(scene(cine, pixel_mm), DetectSettings(motion={"band_mm": 40, **motion}))


def centres(finding) -> np.ndarray:
    assert finding.found, finding.reason
    return finding.squares[:, :2]


@pytest.mark.parametrize("centre", [(60, 110), (45, 125), (90, 95), (50, 60)])
@pytest.mark.parametrize("band", [20, 60])
def test_what_beats_is_found_and_what_stands_still_is_not(centre, band):
    found = find(chest([centre]), band_mm=band, refine="none")
    assert np.hypot(*(found.middle - centre)) < 20


@pytest.mark.parametrize(("width", "middle"), [(10, 14.5), (500, 24.5)])
def test_the_middle_of_the_band_is_the_centre_of_the_change(width, middle):
    profile = np.zeros(50)
    profile[10:20] = 3
    found, stands_out = mean_deltas.strongest_band(profile, width)
    assert (found, stands_out) == (middle, 1.0)
    assert mean_deltas.strongest_band(np.ones(50), width) == (24.5, 0.0)


def test_a_square_for_each_slice_or_the_median_for_all():
    places = [(60, 110), (64, 114), (110, 60)]
    each = find(chest(places), refine="none", per="slice")
    assert np.abs(centres(each) - places).max() < 15
    study = find(chest(places), refine="none", per="study")
    assert len(np.unique(study.squares, axis=0)) == 1
    np.testing.assert_allclose(study.middle, each.middle, atol=1)
    assert study.squares.shape == (3, 3)


def test_the_side_is_in_millimetres_whatever_the_pixels():
    for pixel_mm in (1.0, 2.0):
        assert set(find(chest([(60, 110)]), pixel_mm, band_mm=40 * pixel_mm).squares[:, 2]) == {110 / pixel_mm}


@pytest.mark.parametrize("pixel_mm", [0.7, 1.0, 2.0])
def test_the_centre_moves_from_what_moves_most_to_the_ring(pixel_mm):
    centre = np.array([70, 110]) / pixel_mm
    shape = tuple(round(n / pixel_mm) for n in (140, 160))
    cine = heart(centre, shape=shape, pixel_mm=pixel_mm)[:, None].repeat(4, axis=1)
    plain, refined, each = (
        np.abs(centres(find(cine, pixel_mm, **how)) - centre).max() * pixel_mm
        for how in ({"refine": "none"}, {}, {"per": "slice"})
    )
    assert plain > 20, "the crescent beside it moves more"
    assert refined < 10
    assert each < 10
    tied, free = (find(cine, pixel_mm, reach_mm=5, refine=how).middle for how in ("ring", "none"))
    assert np.abs(tied - free).max() * pixel_mm <= 6


def test_a_heart_is_surer_than_noise():
    noise = np.random.default_rng(1).normal(100, 20, (12, 3, 160, 180))
    assert find(chest([(60, 110)] * 3)).score > 0.5
    assert find(noise).score < 0.1


@pytest.mark.parametrize("name", nothing_to_find())
def test_nothing_is_found_where_nothing_is_and_why(name):
    found = mean_deltas.find(nothing_to_find()[name], DetectSettings())
    assert not found.found
    assert found.reason
    assert found.score < 0.1
