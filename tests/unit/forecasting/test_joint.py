import numpy as np
import pytest

from lvpipe.forecasting.forecasts import gaussian, step
from lvpipe.forecasting.joint import UNKNOWN, correlation, join

FLOOR = 0.01


def normal(mean, sd):
    return gaussian(np.array([mean]), np.array([sd]), FLOOR)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.6, 0.9])
def test_two_gaussians_differ_by_a_gaussian_that_their_correlation_narrows(rho):
    sv = join(normal(200, 12), normal(90, 8), [rho]).sv_ml
    assert sv.mean[0] == pytest.approx(110, abs=0.1)
    assert sv.sd[0] == pytest.approx(np.sqrt(12**2 + 8**2 - 2 * rho * 12 * 8), rel=0.015)
    assert sv.quantile(0.95)[0] == pytest.approx(sv.mean[0] + 1.645 * sv.sd[0], abs=0.5)


def test_draws_of_both_volumes_agree_with_the_points():
    random = np.random.default_rng(3)
    edv, esv = random.multivariate_normal([180, 70], [[100, 48], [48, 64]], 200_000).T
    drawn = 100 * (1 - esv / edv)
    ef = join(normal(180, 10), normal(70, 8), [0.6]).ef_percent
    assert ef.mean[0] == pytest.approx(drawn.mean(), abs=0.05)
    assert ef.sd[0] == pytest.approx(drawn.std(), rel=0.01)
    for share in (0.05, 0.5, 0.95):
        assert ef.quantile(share)[0] == pytest.approx(np.quantile(drawn, share), abs=0.15)
    assert ef.below(55)[0] == pytest.approx((drawn < 55).mean(), abs=0.003)


def test_no_heart_holds_more_at_end_systole():
    joint = join(normal(100, 30), normal(90, 30), [0.2])
    assert (joint.esv_ml <= joint.edv_ml).all()
    assert joint.ef_percent.quantile(0.001)[0] >= 0
    assert joint.sv_ml.mean[0] > 25, "what cannot be weighs nothing, and is not taken for a heart that stands still"


def test_forecasts_without_doubt_that_contradict_each_other_eject_nothing():
    joint = join(step(np.array([80.0])), step(np.array([120.0])), [0.5])
    assert (joint.ef_percent.mean[0], joint.sv_ml.sd[0]) == (0, 0)


def test_sure_volumes_have_a_sure_ejection():
    ef = join(step(np.array([200.0])), step(np.array([80.0])), [0.5]).ef_percent
    assert ef.mean[0] == pytest.approx(60, abs=0.3)
    assert ef.sd[0] < 0.3


def test_probabilities_of_values_are_those_of_quantiles():
    ef = join(normal(150, 15), normal(75, 12), [0.5]).ef_percent
    for share in (0.05, 0.25, 0.5, 0.9):
        assert ef.below(ef.quantile(share)[0])[0] == pytest.approx(share, abs=0.002)


def test_the_correlation_of_a_copula_is_found_again_whatever_the_margins():
    random = np.random.default_rng(4)
    first, second = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 4000).T
    assert correlation(first, second) == pytest.approx(0.6, abs=0.03)
    assert correlation(np.exp(first), second**3) == pytest.approx(correlation(first, second), abs=1e-9)


def test_a_study_that_went_wrong_moves_the_correlation_little():
    random = np.random.default_rng(4)
    first, second = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 300).T
    found = correlation(first, second)
    first[0], second[0] = 400, -400
    assert correlation(first, second) == pytest.approx(found, abs=0.05)


def test_few_pairs_tell_no_correlation():
    pairs = np.arange(20.0), np.arange(20.0)
    assert correlation(*pairs) == pytest.approx(0.99)
    assert correlation(np.array([np.nan, *pairs[0][1:]]), pairs[1]) == UNKNOWN
    assert correlation(np.zeros(20), pairs[1]) == UNKNOWN
