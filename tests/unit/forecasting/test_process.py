import numpy as np
import pytest
from scipy.optimize import check_grad

from lvpipe.forecasting import process
from lvpipe.forecasting.process import Kernel, Scale, condition, grouped, most_probable

KERNEL = Kernel(groups=(0, 1, 1), noise=(0,))


@pytest.fixture
def planted():
    """y follows one feature; it is as noisy as that one is large, and the others are nothing to it."""
    random = np.random.default_rng(5)
    x = random.standard_normal((150, 3))
    return x, np.sin(x[:, 0]) + np.exp(0.4 * x[:, 0] - 1) * random.standard_normal(150)


def test_the_slope_that_the_optimiser_is_told_is_that_of_the_misfit(planted):
    x, y = (part[:20] for part in planted)
    apart = KERNEL.apart(x, x)
    theta = KERNEL.usual() + np.random.default_rng(0).normal(0, 0.2, len(KERNEL.usual()))
    value, slope = (lambda at, i=i: process._misfit(KERNEL, at, (x, y), *apart)[i] for i in (0, 1))
    assert check_grad(value, slope, theta) < 1e-4


def test_a_process_with_little_noise_keeps_to_what_it_has_seen(planted):
    x, theta = planted[0][:30], KERNEL.usual()
    theta[0], theta[2], theta[3:5] = 1.0, -2.0, 0.0
    seen = condition(KERNEL, theta, x, np.sin(x[:, 0]))
    mean, sd = seen.predict(x)
    np.testing.assert_allclose(mean, np.sin(x[:, 0]), atol=0.1)
    assert (seen.predict(x + 50)[1] > 4 * sd).all()


def test_what_matters_and_what_is_noisy_is_found(planted):
    x, y = planted
    theta = most_probable(KERNEL, x, y)
    relevant, irrelevant = theta[3:5]
    assert relevant > irrelevant + 0.5
    mean, sd = condition(KERNEL, theta, x, y).predict(np.array([[-1.5, 0, 0], [1.5, 0, 0]]))
    np.testing.assert_allclose(mean, [-1, 1], atol=0.35)
    assert sd[1] > 1.4 * sd[0]


def test_features_are_counted_from_their_middle_and_not_too_far():
    features = np.array([[0.0, 5.0, np.nan], [1.0, 5.0, np.nan], [2.0, 5.0, np.nan], [np.nan, 5.0, np.nan]])
    scale = Scale.of(features)
    np.testing.assert_allclose(
        scale(np.array([[1.0, 7.0, 3.0], [np.nan, 5.0, np.nan], [900.0, 5.0, 0.0]])),
        [[0, 0, 0], [0, 0, 0], [4, 0, 0]],
    )


def test_features_that_are_not_named_share_a_group():
    kernel = grouped(("a", "b", "c", "d"), own=("c", "a"), noise=("d",))
    assert kernel == Kernel(groups=(1, 2, 0, 2), noise=(3,))
