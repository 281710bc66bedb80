import numpy as np
import pytest
from PIL import Image, ImageDraw

from lvpipe.cine.contours import polygon_area
from lvpipe.cine.outlines import without_outline


def circle(x, y, radius, points=90):
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


@pytest.mark.parametrize(("radius", "off"), [(4, 0.1), (6, 0.05), (8, 0.03), (20, 0.02)])
def test_half_of_the_outline_is_taken_off_all_round(radius, off):
    """Wherever the middle lies; small masks come out somewhat too small, where they were much too large."""
    shares = []
    for middle in np.random.default_rng(1).uniform(30, 34, (20, 2)):
        drawn = ImageDraw.Draw(picture := Image.new("L", (64, 64)))
        points = circle(*middle, radius).round()
        drawn.polygon([tuple(point) for point in points], fill=1, outline=1)
        outlined, area = np.array(picture) > 0, polygon_area(points)
        taken_off = without_outline(outlined)
        assert not (taken_off & ~outlined).any()
        assert outlined.sum() > 1.04 * area
        shares.append(taken_off.sum() / area)
    assert np.mean(shares) == pytest.approx(1, abs=off)


def test_a_hole_grows_and_what_is_too_small_stays():
    ring = np.zeros((40, 40), bool)
    ring[8:32, 8:32] = True
    ring[16:24, 16:24] = False
    without = without_outline(ring)
    assert not without[16:24, 16:24].any()
    assert 23**2 - 9**2 - 8 <= without.sum() <= 23**2 - 9**2 + 8
    dot = np.zeros((9, 9), bool)
    dot[4, 4] = True
    np.testing.assert_array_equal(without_outline(dot), dot)
