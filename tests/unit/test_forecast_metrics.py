import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.forecast_metrics import brier, chance_reliability, decompose_crps, pit_counts, reliability, wilson
from lvpipe.forecasting.forecasts import climatology, gaussian, step
from lvpipe.metrics import FORECAST_ML, crps, pit


def hearts(count=500, sd=12.0, seed=0):
    """Means of forecasts, and volumes that miss them by as much as they say."""
    random = np.random.default_rng(seed)
    means = random.uniform(80, 250, count)
    return means, random.normal(means, sd)


def forecasts(means, sd):
    return gaussian(means, np.full(len(means), sd), 0.01)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(seed=st.integers(0, 1000), sd=st.floats(0.5, 40), count=st.integers(1, 60))
def test_the_terms_of_a_crps_add_up_and_none_is_negative(seed, sd, count):
    means, volumes = hearts(count, seed=seed)
    said = forecasts(means, sd)
    found = decompose_crps(said, volumes)
    assert found.crps == pytest.approx(crps(said, volumes).mean(), abs=1e-12)
    assert found.crps == pytest.approx(found.reliability - found.resolution + found.uncertainty, abs=1e-12)
    assert min(found) >= -1e-12


def test_what_is_wrong_with_a_forecast_stands_in_its_reliability():
    means, volumes = hearts()
    good, sharp, shifted = (decompose_crps(said, volumes) for said in (
        forecasts(means, 12.0), forecasts(means, 3.0), forecasts(means + 15, 12.0)
    ))  # fmt: skip
    chance = chance_reliability(forecasts(means, 12.0))
    assert good.reliability == pytest.approx(chance, rel=0.15)
    assert sharp.reliability > 2 * chance
    assert shifted.reliability > 4 * chance
    assert good.uncertainty == sharp.uncertainty == shifted.uncertainty
    assert shifted.resolution == pytest.approx(good.resolution, rel=0.02), (
        "a shift takes nothing away from what is known"
    )


def test_a_climatology_knows_nothing_and_is_reliable():
    _, volumes = hearts()
    found = decompose_crps(np.tile(climatology(volumes), (len(volumes), 1)), volumes)
    assert (found.reliability, found.resolution) == pytest.approx((0, 0), abs=1e-12)
    assert found.crps == pytest.approx(found.uncertainty)


def test_recalibration_by_hand():
    """At 100 mL three sayings, of which the lower ones came true more often: they are pooled; elsewhere none differ."""
    said = np.where(FORECAST_ML == 100, np.array([0.2, 0.5, 0.8])[:, None], (FORECAST_ML > 100)[None])
    found = decompose_crps(said, [100.0, 101.0, 101.0])
    assert found.crps * 600 == pytest.approx((0.8**2 + 0.5**2 + 0.8**2) / 3)
    assert found.uncertainty * 600 == pytest.approx(2 / 9)
    assert found.resolution == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("sd", "outer"), [(12.0, 1.0), (4.0, 3.0), (40.0, 0.0)])
def test_pit_is_level_if_calibrated_and_high_at_the_ends_if_too_sure(sd, outer):
    means, volumes = hearts(4000)
    counts = pit_counts(forecasts(means, sd), volumes)
    assert counts.sum() == pytest.approx(4000)
    assert (counts[0] + counts[-1]) / 800 == pytest.approx(outer, rel=0.25)


def test_pit_shares_a_volume_out_over_its_step():
    half = np.where(FORECAST_ML < 100, 0.25, 0.75)[None]
    assert pit_counts(half, [100.0], bins=4).tolist() == [0, 0.5, 0.5, 0]
    assert pit_counts(half, [99.0], bins=4).tolist() == [0, 1, 0, 0], "a step of nothing stands at its place"
    sure = step(np.array([100.0]))
    assert [pit_counts(sure, [volume], bins=2).tolist() for volume in (99.0, 100.0, 101.0)] == [
        [1, 0],
        [0.5, 0.5],
        [0, 1],
    ]
    assert pit(sure, [100.0])[0] == 0.5


def test_reliability_of_probabilities():
    said = np.array([[0.05, 0.05], [0.31, 0.39], [1.0, 0.35]])
    found = reliability(said, np.array([[0, 1], [1, 0], [1, 0]]))
    assert found.said.tolist() == [2, 0, 0, 3, 0, 0, 0, 0, 0, 1]
    assert (found.mean[0], found.mean[3], found.mean[9]) == pytest.approx((0.05, 0.35, 1.0))
    assert (found.came_true[0], found.came_true[3], found.came_true[9]) == pytest.approx((0.5, 1 / 3, 1.0))
    assert np.isnan(found.mean[1])


def test_brier_and_wilson_by_hand():
    assert brier(np.array([0.2, 1.0]), np.array([0, 1])).tolist() == pytest.approx([0.04, 0.0])
    low, high = wilson([0.9, 1.0, 0.5], [100, 20, 4])
    assert low == pytest.approx([0.8256, 0.8389, 0.1500], abs=1e-4)  # R: prop.test(..., correct = FALSE)
    assert high == pytest.approx([0.9448, 1.0, 0.8500], abs=1e-4)
