import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.special import ndtr, ndtri

from lvpipe.forecasting.forecasts import gaussian, step
from lvpipe.metrics import (
    accuracy,
    covers,
    crps,
    crps_gaussian_ml,
    dice,
    hausdorff95_mm,
    iou,
    known_mean,
    known_median,
    moments_ml,
    pearson_r,
    precision,
    quantile_ml,
    recall,
)

FLOOR = 0.01


def score(volume: float, mean: float, sigma: float) -> float:
    return float(crps(gaussian(np.array([mean]), np.array([sigma]), FLOOR), [volume])[0])


def square(shape, corner, side) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(start, start + side) for start in corner)] = True
    return mask


@pytest.mark.parametrize("volume", [190.0, 210.0])
def test_crps_of_a_sure_forecast_is_its_error_over_600(volume):
    assert crps(step(np.array([200.0])), [volume])[0] == pytest.approx(10 / 600)


@pytest.mark.parametrize(("mean", "expected"), [(210, 0.01042), (190, 0.00943)])
def test_crps_counts_the_volume_itself_as_reached(mean, expected):
    assert score(200, mean, 12) == pytest.approx(expected, abs=5e-6)


def test_crps_of_both_signs_averages_to_the_closed_form():
    assert crps_gaussian_ml(10, 12) / 600 == pytest.approx(0.0099151, abs=5e-8)
    assert (score(200, 210, 12) + score(200, 190, 12)) / 2 == pytest.approx(0.0099151, abs=2e-5)


def test_a_perfect_forecast_scores_zero_and_the_opposite_one():
    assert crps(step(np.array([0.0])), [0])[0] == 0
    assert crps(np.zeros((1, 600)), [0])[0] == 1


@pytest.mark.parametrize("error", [5.0, 10.0, 20.0, 40.0])
def test_the_best_sigma_is_a_fifth_more_than_the_error(error):
    sigmas = np.linspace(0.5, 2, 15001) * error
    scores = crps_gaussian_ml(error, sigmas)
    assert sigmas[scores.argmin()] / error == pytest.approx(1.20, abs=0.005)
    assert scores.min() / error == pytest.approx(0.595, abs=0.001)
    if error == 10:
        assert sigmas[scores.argmin()] == pytest.approx(12.03, abs=0.03)


def test_the_closed_form_is_the_crps_of_fine_bins():
    thousandths = np.arange(-200, 200, 0.001)
    for error, sigma in [(10, 12), (-3, 7), (0, 5)]:
        integral = ((ndtr((thousandths - error) / sigma) - (thousandths >= 0)) ** 2).sum() * 0.001
        assert crps_gaussian_ml(error, sigma) == pytest.approx(integral, rel=1e-4)


def test_in_expectation_the_true_spread_is_the_best():
    # The specification's table is a simulation of 20,000 volumes: one offset for all rows, exact between them.
    simulated = {6: 0.009831, 8: 0.009471, 9: 0.009392, 10: 0.009368, 11: 0.009392, 12: 0.009456, 14: 0.009684}
    volumes = 100 + 10 * ndtri((np.arange(20_000) + 0.5) / 20_000)
    exact = {sigma: expected_crps(100, sigma, volumes) for sigma in simulated}
    assert min(exact, key=exact.__getitem__) == 10
    assert exact[10] == pytest.approx(10 / np.sqrt(np.pi) / 600, rel=1e-3)
    for sigma, value in simulated.items():
        assert exact[sigma] == pytest.approx(value, abs=5e-5)
        assert exact[sigma] - exact[10] == pytest.approx(value - simulated[10], abs=5e-6)


def expected_crps(mean: float, sigma: float, volumes: np.ndarray) -> float:
    forecasts = np.tile(gaussian(np.array([mean]), np.array([sigma]), FLOOR), (len(volumes), 1))
    parts = zip(np.split(forecasts, 10), np.split(volumes, 10), strict=True)  # in parts to save memory
    return float(np.mean([crps(*part).mean() for part in parts]))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(center=st.floats(50, 450), sigma=st.floats(2, 40))
def test_moments_find_mean_and_spread_again(center, sigma):
    sigma = min(sigma, center / 5)
    mean, sd = moments_ml(gaussian(np.array([center]), np.array([sigma]), FLOOR))
    assert mean[0] == pytest.approx(center, abs=0.02)
    assert sd[0] == pytest.approx(np.hypot(sigma, 12**-0.5), rel=0.01)


def test_moments_of_a_step_lie_within_its_millilitre():
    mean, sd = moments_ml(step(np.array([199.7])))
    assert mean[0] == pytest.approx(199.5)
    assert sd[0] == 0


def test_nine_of_ten_volumes_lie_in_a_true_forecast():
    random = np.random.default_rng(5)
    means, sigmas = random.uniform(80, 300, 4000), random.uniform(1, 25, 4000)
    forecasts = gaussian(means, sigmas, FLOOR)
    volumes = random.normal(means, sigmas)
    # Each bound takes in up to one millilitre more, hence a little above the nominal share.
    assert covers(forecasts, volumes).mean() == pytest.approx(0.905, abs=0.02)
    assert covers(forecasts, volumes, 0.5).mean() == pytest.approx(0.51, abs=0.03)
    assert covers(forecasts, random.normal(means, 3 * sigmas)).mean() < 0.5


def test_a_step_covers_its_own_millilitre_alone():
    forecast = np.repeat(step(np.array([99.3])), 4, axis=0)
    assert covers(forecast, [99.0, 99.01, 100.0, 100.01]).tolist() == [False, True, True, False]


def test_a_share_that_is_never_reached_has_no_quantile_below_600():
    assert quantile_ml(np.full((1, 600), 0.4), 0.5)[0] == 600
    assert quantile_ml(step(np.array([12.0])), 0.5)[0] == 12


def test_overlap_of_two_squares():
    first, second = square((20, 20), (2, 2), 6), square((20, 20), (5, 2), 6)
    assert dice(first, second) == pytest.approx(18 * 2 / 72)
    assert iou(first, second) == pytest.approx(18 / 54)
    assert dice(first, first) == iou(first, first) == 1
    assert dice(first, ~first) == iou(first, ~first) == 0
    taller = square((20, 20), (2, 2), 8)
    assert (precision(taller, first), recall(taller, first)) == (36 / 64, 1)
    assert (precision(first, taller), recall(first, taller)) == (1, 36 / 64)
    assert accuracy(first, taller) == pytest.approx(1 - 28 / 400)


def test_where_nothing_was_there_to_agree_on():
    empty, some = np.zeros((5, 5), bool), square((5, 5), (1, 1), 2)
    assert np.isnan([dice(empty, empty), iou(empty, empty)]).all()
    assert dice(empty, some) == iou(some, empty) == precision(some, empty) == recall(empty, some) == 0
    assert np.isnan([precision(empty, some), recall(some, empty)]).all()
    assert accuracy(empty, empty) == 1
    assert dice(empty, square((5, 5), (1, 1), 1)) == 0
    for pair in [(empty, some), (some, empty), (empty, empty)]:
        assert np.isnan(hausdorff95_mm(*pair, (1, 1)))


def test_distance_of_two_squares_along_each_axis():
    here = square((40, 40), (5, 5), 6)
    assert hausdorff95_mm(here, here, (1, 1)) == 0
    assert hausdorff95_mm(here, np.roll(here, 20, axis=0), (2.0, 0.5)) == pytest.approx(40)
    assert hausdorff95_mm(here, np.roll(here, 20, axis=1), (2.0, 0.5)) == pytest.approx(10)


def test_distance_of_two_cubes_between_slices():
    here = square((12, 20, 20), (1, 5, 5), 4)
    assert hausdorff95_mm(here, np.roll(here, 5, axis=0), (8.0, 1.5, 1.0)) == pytest.approx(40)


def test_the_worse_direction_counts():
    small = square((40, 40), (18, 18), 4)
    both = small | square((40, 40), (2, 2), 4)
    assert hausdorff95_mm(small, both, (1, 1)) == hausdorff95_mm(both, small, (1, 1)) > 15


def plain_hausdorff95_mm(estimate, reference, spacing):
    surfaces = [mask & ~binary_erosion(mask) for mask in (estimate, reference)]
    distances = [distance_transform_edt(~surface, sampling=spacing) for surface in surfaces]
    ways = (distances[1][surfaces[0]], distances[0][surfaces[1]])
    return max(np.percentile(way, 95) for way in ways)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(17, 23), (4, 15, 11)]),
    share=st.floats(0.02, 0.6),
    spacing=st.tuples(*[st.floats(0.5, 9)] * 3),
)
def test_looking_at_the_window_alone_changes_no_distance(seed, shape, share, spacing):
    random = np.random.default_rng(seed)
    masks = [random.random(shape) < share for _ in range(2)]
    for mask in masks:
        mask[..., : seed % 7] = False
        mask[(shape[0] // 2,) * len(shape)] = True
    spacing = spacing[: len(shape)]
    assert hausdorff95_mm(*masks, spacing) == pytest.approx(plain_hausdorff95_mm(*masks, spacing))


def test_correlation_needs_three_pairs_that_vary():
    assert pearson_r([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert pearson_r([1, 2, 3, 4], [1, -2, 1, -2]) == pytest.approx(-0.4472136)
    assert np.isnan(pearson_r([1, 2], [2, 4]))
    assert np.isnan(pearson_r([1, 1, 1], [2, 4, 5]))


def test_coverage_is_honest_for_sharp_forecasts():
    """A bound that is off by one millilitre would cover 95 % of what 90 % should hold at this spread."""
    random = np.random.default_rng(5)
    sigma = 2.5
    volumes = random.uniform(100, 200, 8000)
    means = volumes + random.normal(0, sigma, len(volumes))
    assert covers(gaussian(means, np.full(len(volumes), sigma), 0.01), volumes).mean() == pytest.approx(0.9, abs=0.012)


def test_what_is_not_known_is_no_part_of_a_mean_or_median():
    values = [1.0, math.nan, 2.0, 6.0]
    assert (known_mean(values), known_median(values)) == (3.0, 2.0)
    assert math.isnan(known_mean([math.nan]))
    assert math.isnan(known_median([]))
