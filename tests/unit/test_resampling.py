import numpy as np
import pytest

from lvpipe.resampling import Resampling


def names(count):
    return [f"p{i}" for i in range(count)]


def test_the_interval_of_a_mean_is_that_of_its_standard_error():
    values = np.random.default_rng(1).normal(10, 3, (400, 1))
    some = Resampling(names(400))
    low, high = some.interval(some.means(values))[:, 0]
    error = values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.15 * error)


def test_whoever_has_two_cases_brings_both():
    values = np.random.default_rng(1).normal(0, 1, (100, 1))
    once, twice = Resampling(names(100)), Resampling(names(100) * 2)
    doubled = twice.interval(twice.means(np.tile(values, (2, 1))))
    assert doubled == pytest.approx(once.interval(once.means(values)))


def test_the_same_draws_whatever_the_order_of_cases():
    values = np.arange(30.0)[:, None]
    order = np.random.default_rng(2).permutation(30)
    some, other = Resampling(names(30)), Resampling([names(30)[i] for i in order])
    assert some.means(values) == pytest.approx(other.means(values[order]))


def test_few_patients_have_no_interval():
    for count, known in ((0, False), (9, False), (10, True)):
        some = Resampling(names(count))
        values = np.ones((count, 2))
        if count:
            assert np.isfinite(some.interval(some.means(values))).all() == known
        else:
            assert np.isnan(some.interval(np.empty((0, 2)))).all()
