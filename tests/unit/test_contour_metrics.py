import numpy as np
import pytest

from lvpipe.contour_metrics import is_good, outline_mm, perpendicular_distance_mm

SPACING = (0.5, 0.25)
"""Pixels twice as long as wide."""


def disc(radius, centre_x=0.0, field=80.0):
    y, x = (np.arange(int(field / step)) * step - field / 2 for step in SPACING)
    return np.hypot(y[:, None], x - centre_x) <= radius


def distance_mm(estimate, expert):
    return perpendicular_distance_mm(estimate, expert, SPACING)


def test_concentric_circles_are_their_radii_apart():
    assert distance_mm(disc(23), disc(20)) == pytest.approx(3, rel=0.02)
    assert distance_mm(disc(20), disc(23)) == pytest.approx(3, rel=0.02)
    assert distance_mm(disc(20), disc(20)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shift", [2.0, 6.0])
def test_shifted_circles(shift):
    """Along the expert's normal a closed form; along one's own normal the distance to where that line meets."""
    radius, turn = 20.0, np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    along, across = radius * np.cos(turn) + shift, radius * np.sin(turn)
    nearest = np.abs(np.hypot(along, across) - radius).mean()
    beyond = shift * np.cos(turn) + radius - np.sqrt(radius**2 - (shift * np.sin(turn)) ** 2)
    assert distance_mm(disc(radius, shift), disc(radius)) == pytest.approx(nearest, rel=0.02)
    assert np.abs(beyond).mean() == pytest.approx(nearest, rel=0.03), "the two readings of the definition"


def test_the_outline_runs_between_the_pixels_and_ignores_crumbs_and_holes():
    mask = np.zeros((12, 12), bool)
    mask[2:9, 3:9] = True
    mask[4, 5] = mask[11, 11] = False
    mask[11, 0] = True
    low, high = outline_mm(mask, (1, 2)).min(axis=0), outline_mm(mask, (1, 2)).max(axis=0)
    assert (*low, *high) == (1.5, 5.0, 8.5, 17.0)


def test_a_mask_at_the_border_has_a_closed_outline():
    loop = outline_mm(np.ones((3, 3), bool), (1, 1))
    assert (loop[0] == loop[-1]).all()
    assert loop.min() == -0.5


def test_there_is_no_distance_to_nothing():
    nothing = np.zeros((4, 4), bool)
    for pair in ((nothing, ~nothing), (~nothing, nothing), (nothing, nothing)):
        assert np.isnan(perpendicular_distance_mm(*pair, (1, 1)))


@pytest.mark.parametrize(
    ("distance", "expert_drew", "expected"),
    [(4.99, True, True), (5.0, True, False), (np.nan, True, False), (np.nan, False, None)],
)
def test_a_missed_slice_is_not_good_and_an_extra_one_does_not_count(distance, expert_drew, expected):
    assert is_good(distance, expert_drew=expert_drew) is expected
