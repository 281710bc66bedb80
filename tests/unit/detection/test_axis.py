import numpy as np
import pytest

from lvpipe.detection.axis import brightest_line, fit_line


def test_a_line_is_fitted_through_what_weighs():
    z = np.arange(9)[:, None]
    middles = np.array([40.0, 60.0]) + z * [1.5, -2.0]
    wrong = middles.copy()
    wrong[4] = [500, 500]
    weights = np.ones(9)
    weights[4] = 0
    np.testing.assert_allclose(fit_line(wrong, weights), middles, atol=0.8)


@pytest.mark.parametrize("weights", [np.zeros(1), np.ones(1)])
def test_one_slice_has_its_own_middle(weights):
    np.testing.assert_allclose(fit_line(np.array([[3.0, 4.0]]), weights), [[3, 4]])


@pytest.mark.parametrize("slope", [(0, 0), (1, -2), (-1.5, 0.5)])
def test_the_brightest_line_passes_a_slice_that_is_wrong(slope):
    score = np.zeros((7, 80, 90))
    y, x = np.indices((80, 90))
    middles = np.array([40, 45]) + np.outer(np.arange(7) - 3, slope)
    for z, (row, column) in enumerate(middles):
        score[z] = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18)
    score[2] = 3 * np.exp(-((y - 20) ** 2 + (x - 70) ** 2) / 18)
    found = brightest_line(score, np.array([38.0, 49.0]), 16, 2.0)
    assert np.abs(found - middles).max() < 2.1


def test_a_line_may_lead_out_of_the_image():
    score = np.zeros((3, 20, 20))
    score[1, 0, 19] = 1
    found = brightest_line(score, np.array([2.0, 17.0]), 10, 1.0)
    assert found[1].tolist() == [0, 19]
