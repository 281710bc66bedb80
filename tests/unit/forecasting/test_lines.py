import numpy as np
import pytest

from lvpipe.forecasting.lines import fit_known, fit_line, line_of, lines_by_fold
from lvpipe.metrics import moments_ml
from lvpipe.tables import SheetRow

NAN = float("nan")


def row(case, fold, split="train"):
    return SheetRow("c", case, split, case, fold, NAN, NAN, NAN, "", "ok", "")


def test_a_line_without_errors_is_found():
    x = np.arange(20.0, 40)
    line = fit_line(x, 3 + 2 * x)
    assert (line.intercept, line.slope, line.cases) == (pytest.approx(3), pytest.approx(2), 20)


def test_a_spread_that_grows_with_the_volume_is_found():
    random = np.random.default_rng(0)
    x = random.uniform(50, 350, 4000)
    volumes = 10 + 0.9 * x + (4 + 0.05 * (10 + 0.9 * x)) * random.standard_normal(4000)
    line = fit_line(x, volumes)
    assert (line.intercept, line.slope) == (pytest.approx(10, abs=1.5), pytest.approx(0.9, abs=0.01))
    for at in (60, 200, 340):
        mean, sd = moments_ml(line.forecast(at, 0.01)[None])
        assert mean[0] == pytest.approx(10 + 0.9 * at, abs=2)
        assert sd[0] == pytest.approx(4 + 0.05 * (10 + 0.9 * at), rel=0.1)


def test_a_spread_does_not_shrink_with_the_volume():
    x = np.linspace(50, 350, 200)
    misses = np.where(np.arange(200) % 2, 1, -1) * (30 - 0.08 * x)
    line = fit_line(x, x + misses)
    assert line.sigma_slope == 0
    assert line.sigma_intercept == pytest.approx(np.sqrt(np.pi / 2) * np.abs(misses).mean(), rel=0.05)


def test_nothing_is_forecast_surer_than_what_was_seen():
    x = np.linspace(50, 350, 200)
    line = fit_line(x, x + np.where(np.arange(200) % 2, 0.1, -0.1) * x)
    far_below = moments_ml(line.forecast(40.0, 0.01)[None])[1][0]
    assert far_below == pytest.approx(line.sigma_min, abs=0.1)
    assert line.sigma_min > 4


def test_a_constant_estimate_has_no_slope():
    line = fit_line(np.full(12, 5.0), np.arange(12.0))
    assert (line.intercept, line.slope) == (5.5, 0)


def test_too_few_known_cases_make_no_line():
    estimates = {f"c{i}": float(i) for i in range(30)}
    assert fit_known(estimates, {f"c{i}": float(i) for i in range(9)} | {"c20": NAN, "other": 1.0}) is None
    assert fit_known(estimates, {f"c{i}": float(i) for i in range(10)}).cases == 10


def test_each_fold_has_a_line_that_it_did_not_teach():
    rows = [row(f"c{i}", i % 2) for i in range(40)]
    estimates = {f"c{i}": float(i) for i in range(40)}
    volumes = {f"c{i}": i + (100.0 if i % 2 else 0.0) for i in range(40)}
    lines = lines_by_fold(rows, lambda some: fit_known(estimates, {r.case: volumes[r.case] for r in some}))
    assert line_of(lines, row("x", 0)).intercept == pytest.approx(100, abs=0.01)
    assert line_of(lines, row("x", 1)).intercept == pytest.approx(0, abs=0.01)
    assert line_of(lines, row("x", 1, "test")).cases == 40
    assert line_of(lines, row("x", 7)).cases == 40
