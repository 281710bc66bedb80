import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.volumes import Beat, circular_mean, integrate_areas, pick_frames, slice_weights_ml, spread_ml

RULES = ("trapezoid", "frustum", "simpson", "disk")
HALF_ELLIPSOID = {
    5: (104.617, 104.340, 104.720, 109.526),
    8: (104.458, 103.812, 104.720, 112.312),
    10: (104.311, 103.351, 104.720, 114.128),
}
"""Radius 25 mm, length 80 mm, 104.720 mL: slice distance and the four rules (specification 13.2)."""

positions = st.lists(st.integers(-400, 400), min_size=2, max_size=9, unique=True).map(
    lambda tenths: np.array(tenths) / 10
)


def half_ellipsoid(distance_mm: float) -> tuple[np.ndarray, np.ndarray]:
    z = np.arange(0, 80 + distance_mm / 2, distance_mm)
    return np.pi * 25**2 * (1 - (z / 80) ** 2), z


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("distance_mm", HALF_ELLIPSOID)
def test_half_ellipsoid(distance_mm, rule):
    areas, z = half_ellipsoid(distance_mm)
    expected = HALF_ELLIPSOID[distance_mm][RULES.index(rule)]
    assert integrate_areas(areas, z, rule) == pytest.approx(expected, abs=6e-4)
    assert integrate_areas(areas[::-1], z[::-1], rule) == pytest.approx(expected, abs=6e-4)
    assert integrate_areas(areas, -z, rule) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("rule", ["trapezoid", "frustum", "simpson"])
@pytest.mark.parametrize("z", [np.linspace(0, 60, 7), np.array([0, 5, 11, 30, 44, 60.0]), np.array([60, 0, 20.0])])
def test_cylinder(rule, z):
    assert integrate_areas(np.full(len(z), 300.0), z, rule) == pytest.approx(18.0)


def test_cone():
    z = np.linspace(0, 60, 7)
    areas = np.pi * (25 * (1 - z / 60)) ** 2
    assert integrate_areas(areas, z, "frustum") == pytest.approx(39.2699, abs=5e-5)
    assert integrate_areas(areas, z, "simpson") == pytest.approx(39.2699, abs=5e-5)
    assert integrate_areas(areas, z, "trapezoid") == pytest.approx(39.8153, abs=5e-5)


def test_simpson_of_an_even_number_of_slices_is_exact_for_a_parabola():
    z = np.array([0, 7, 13, 24, 30, 41.0])
    assert integrate_areas(400 - z**2 / 5, z, "simpson") == pytest.approx((400 * 41 - 41**3 / 15) / 1000)


@pytest.mark.parametrize("rule", RULES)
def test_no_slice_is_no_number(rule):
    assert np.isnan(integrate_areas(np.zeros(0), np.zeros(0), rule))
    assert np.isnan(integrate_areas(np.zeros((3, 0)), np.zeros(0), rule)).tolist() == [True] * 3


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("caps", ["none", "half_slab", "zero_area"])
def test_one_slice_is_as_thick_as_its_header_says(rule, caps):
    assert integrate_areas(np.array([500.0]), np.array([3.0]), rule, caps, 8.0) == pytest.approx(4.0)


@pytest.mark.parametrize("rule", RULES)
def test_slices_at_one_position_count_once(rule):
    z, areas = np.array([0, 10, 10, 20, 30.0]), np.array([100, 200, 400, 500, 50.0])
    merged = integrate_areas(np.array([100, 300, 500, 50.0]), np.array([0, 10, 20, 30.0]), rule)
    assert integrate_areas(areas, z, rule) == pytest.approx(merged)
    assert integrate_areas(np.array([200.0, 400.0]), np.array([5.0, 5.0]), rule, thickness_mm=10) == pytest.approx(3)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(positions, st.integers(0, 10**6), st.sampled_from(RULES), st.sampled_from(["none", "half_slab", "zero_area"]))
def test_the_order_of_slices_changes_nothing(z, seed, rule, caps):
    random = np.random.default_rng(seed)
    areas, order = random.uniform(0, 2000, (4, len(z))), random.permutation(len(z))
    volumes = integrate_areas(areas, z, rule, caps)
    assert volumes.shape == (4,)
    np.testing.assert_allclose(integrate_areas(areas[:, order], z[order], rule, caps), volumes)
    np.testing.assert_allclose(integrate_areas(areas[2], z, rule, caps), volumes[2])
    if rule != "simpson" or len(z) == 2:  # a parabola may dip below its points
        assert (volumes >= 0).all()


def test_a_negative_area_does_not_make_the_frustum_no_number():
    assert integrate_areas(np.array([-5.0, 100, 100]), np.array([0, 10, 20.0]), "frustum") == pytest.approx(4 / 3)


def test_end_caps_of_a_cylinder():
    z, areas = np.arange(0, 50, 10.0), np.full(5, 300.0)
    assert integrate_areas(areas, z, "trapezoid") == pytest.approx(12)
    assert integrate_areas(areas, z, "trapezoid", "half_slab") == pytest.approx(15)
    assert integrate_areas(areas, z, "trapezoid", "zero_area") == pytest.approx(14)
    assert integrate_areas(areas, z, "disk", "half_slab") == pytest.approx(15), "the disks have them already"
    empty_ends = np.array([0, 300, 300, 300, 0.0])
    assert integrate_areas(empty_ends, z, "trapezoid", "half_slab") == pytest.approx(9)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(positions, st.integers(0, 10**6), st.booleans())
def test_slice_weights_are_the_derivative_of_the_trapezoid_volume(z, seed, twice):
    z = np.append(z, z[0]) if twice else z
    areas = np.random.default_rng(seed).uniform(100, 2000, len(z))
    base = integrate_areas(areas, z, "trapezoid")
    slopes = [(integrate_areas(areas + 50 * unit, z, "trapezoid") - base) / 50 for unit in np.eye(len(z))]
    np.testing.assert_allclose(slice_weights_ml(z), slopes, atol=1e-9)


def test_slice_weights_are_one_sided_at_the_ends():
    np.testing.assert_allclose(slice_weights_ml(np.array([0, 8, 18, 28.0])), [0.004, 0.009, 0.010, 0.005])
    np.testing.assert_allclose(slice_weights_ml(np.array([28, 18, 8, 0.0])), [0.005, 0.010, 0.009, 0.004])
    assert slice_weights_ml(np.array([3.0])).tolist() == [0]
    assert slice_weights_ml(np.zeros(0)).shape == (0,)


def test_a_circular_mean_closes_the_cycle():
    curve = np.array([9.0, 0, 0, 0, 3])
    np.testing.assert_allclose(circular_mean(curve, 3), [4, 3, 0, 1, 4])
    np.testing.assert_allclose(circular_mean(curve, 1), curve)
    np.testing.assert_allclose(circular_mean(curve, 2), [6, 4.5, 0, 0, 1.5])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.floats(0, 1e3), min_size=3, max_size=12), st.integers(1, 3), st.integers(0, 11))
def test_a_circular_mean_keeps_the_sum_and_turns_with_the_curve(curve, width, turn):
    smooth = circular_mean(np.array(curve), width)
    assert smooth.sum() == pytest.approx(sum(curve))
    np.testing.assert_allclose(circular_mean(np.roll(curve, turn), width), np.roll(smooth, turn), atol=1e-9)


def test_the_rules_of_end_diastole_and_end_systole_differ():
    areas = np.array([[100, 200], [400, 0], [140, 230], [60, 90], [60, 70.0]])
    volumes = np.array([3.0, 6, 7, 1, 2])
    assert pick_frames(areas, volumes, "per_volume") == (2, 3)
    assert pick_frames(areas, volumes, "per_slice") == (2, 3)
    assert pick_frames(areas, volumes, "summed_area") == (1, 4)
    assert pick_frames(areas, volumes, "first_frame") == (0, 4)


def test_summed_areas_are_smoothed_around_the_cycle():
    areas = np.array([5, 8, 0, 5, 5, 4, 4, 9, 8.0])[:, None]
    assert pick_frames(areas, np.arange(9.0), "summed_area", 1) == (7, 2)
    assert pick_frames(areas, np.arange(9.0), "summed_area", 3) == (8, 3)


def test_what_follows_from_a_beat():
    beat = Beat(0, 7, 150.0, 60.0)
    assert beat.sv_ml == 90
    assert beat.ef_percent == pytest.approx(60)
    assert np.isnan(Beat(0, 0, 0.0, 0.0).ef_percent)
    assert np.isnan(Beat(0, 0, float("nan"), float("nan")).ef_percent)


def test_spreads_of_slices_add_as_squares_and_shared_ones_as_they_are():
    positions, sds = np.array([0, 10, 20.0]), np.array([40, 30, 0.0])
    assert spread_ml(sds, positions, "trapezoid") == pytest.approx(np.hypot(40 * 5, 30 * 10) / 1000)
    assert spread_ml(sds, positions, "frustum") == spread_ml(sds, positions, "trapezoid")
    assert spread_ml(sds, positions, "trapezoid", shared=1.0) == pytest.approx((40 * 5 + 30 * 10) / 1000)
    assert spread_ml(sds, positions, "trapezoid", "half_slab") == pytest.approx(np.hypot(40 * 10, 30 * 10) / 1000)
