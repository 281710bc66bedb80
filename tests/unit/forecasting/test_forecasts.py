import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.forecasting.forecasts import (
    AreaErrors,
    Slices,
    choose_beta,
    climatology,
    forecast_id,
    gaussian,
    read_forecasts,
    sigma_hat_ml,
    slices_of,
    step,
    unseen,
    write_forecasts,
)
from lvpipe.metrics import crps
from lvpipe.tables import SheetRow

NAN = float("nan")


def row(case: str, edv: float, cohort: str = "c", split: str = "train", patient: str = "") -> SheetRow:
    return SheetRow(cohort, case, split, patient or case, 0, edv, edv / 2, NAN, "", "ok", "")


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-50, 900), min_size=1, max_size=8), st.floats(0, 300))
def test_every_forecast_is_a_distribution_function(volumes, sigma):
    volumes = np.array(volumes)
    rows = [gaussian(volumes, np.full(len(volumes), sigma), 0.01), step(volumes), climatology(volumes)[None]]
    for forecast in np.concatenate(rows):
        assert forecast.shape == (600,)
        assert np.isfinite(forecast).all()
        assert forecast.min() >= 0
        assert forecast.max() <= 1
        assert (np.diff(forecast) >= 0).all()


def test_a_gaussian_has_its_mean_and_its_spread():
    forecast = gaussian(np.array([200.0]), np.array([10.0]), 0.01)[0]
    assert forecast[200] == pytest.approx(0.5)
    assert forecast[210] == pytest.approx(0.8413447)
    sharp = gaussian(np.array([200.5]), np.array([0.0]), 0.01)[0]
    np.testing.assert_array_equal(sharp, step(np.array([200.5]))[0])


def test_a_step_reaches_one_at_its_volume():
    assert step(np.array([200.0]))[0, 199:202].tolist() == [0, 1, 1]
    assert step(np.array([200.1]))[0, 199:202].tolist() == [0, 0, 1]


def test_climatology_counts_the_volumes_up_to_each_millilitre():
    forecast = climatology(np.array([100, 200, 200, 400.0]))
    assert forecast[[99, 100, 199, 200, 399, 400]].tolist() == [0, 0.25, 0.25, 0.75, 0.75, 1]


def test_climatology_is_the_best_that_can_be_said_without_looking():
    volumes = np.random.default_rng(1).uniform(60, 350, 50)
    own = crps(np.tile(climatology(volumes), (50, 1)), volumes).mean()
    for other in (step(volumes[:1])[0], gaussian([volumes.mean()], [volumes.std()], 0.01)[0]):
        assert crps(np.tile(other, (50, 1)), volumes).mean() > own


def test_an_unseen_case_gets_the_climatology_of_its_cohort():
    rows = [row(f"a{i}", 100 + i, "a") for i in range(5)] + [row(f"b{i}", 300 + i, "b") for i in range(4)]
    sheet = {each.case: each for each in rows}
    np.testing.assert_array_equal(unseen(row("x", 9, "a"), sheet, "EDV"), climatology(100 + np.arange(5.0)))
    np.testing.assert_array_equal(unseen(row("x", 9, "a"), sheet, "ESV"), climatology(50 + np.arange(5.0) / 2))
    everyone = climatology(np.append(100 + np.arange(5.0), 300 + np.arange(4.0)))
    for cohort in ("b", "new"):  # too few of its own, none of its own
        np.testing.assert_array_equal(unseen(row("x", 9, cohort), sheet, "EDV"), everyone)


def test_an_unseen_case_learns_nothing_from_test_cases_or_unknown_volumes():
    rows = [row(f"a{i}", 100 + i) for i in range(6)]
    sheet = {each.case: each for each in rows}
    more = sheet | {"t": row("t", 500, split="test"), "u": row("u", NAN), "again": row("again", 400, patient="t")}
    np.testing.assert_array_equal(unseen(rows[0], more, "EDV"), unseen(rows[0], sheet, "EDV"))
    flat = unseen(rows[0], {"u": row("u", NAN)}, "EDV")
    assert flat[0] == pytest.approx(1 / 600)
    np.testing.assert_allclose(np.diff(flat), 1 / 600)


def test_the_variance_of_areas_is_that_of_the_pairs_in_the_window():
    predicted = np.array([0.30, 0.10, 0.12, 0.14, 0.31])
    reference = np.array([0.35, 0.10, 0.20, 0.00, 0.25])
    errors = AreaErrors(predicted, reference, window=0.025, fewest=2)
    expected = [np.var([0.10, 0.20, 0.00]), np.var([0.35, 0.25])]
    np.testing.assert_allclose(errors.variance(np.array([0.12, 0.305])), expected)


def test_a_window_with_too_few_pairs_widens_to_the_nearest():
    predicted = np.array([0.1, 0.2, 0.3, 0.4, 0.9])
    reference = np.array([0.0, 0.5, 0.2, 0.7, 0.1])
    errors = AreaErrors(predicted, reference, window=0.02, fewest=3)
    nearest = {
        0.26: reference[1:4],
        0.3: reference[1:4],
        0.0: reference[:3],
        5.0: reference[2:],
        0.61: reference[[2, 3, 4]],
    }
    np.testing.assert_allclose(errors.variance(np.array(list(nearest))), [np.var(pairs) for pairs in nearest.values()])


def test_a_window_wants_no_more_pairs_than_there_are():
    errors = AreaErrors(np.array([0.1, 0.5]), np.array([0.2, 0.6]), window=0.01, fewest=20)
    assert errors.variance(np.array([0.9]))[0] == pytest.approx(0.04)


def test_sigma_hat_finds_a_planted_spread_that_grows_with_the_area():
    random = np.random.default_rng(11)
    predicted = random.uniform(0, 0.5, 20_000)
    reference = predicted + (0.01 + 0.1 * predicted) * random.standard_normal(20_000)
    errors = AreaErrors(predicted, reference, window=0.005, fewest=20)
    fractions = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.45])
    np.testing.assert_allclose(np.sqrt(errors.variance(fractions)), 0.01 + 0.1 * fractions, rtol=0.1)
    slices = Slices(fractions, np.array([40, 80, 80, 80, 80, 40.0]))
    planted = np.sqrt((slices.box_ml**2 * (0.01 + 0.1 * fractions) ** 2).sum())
    assert sigma_hat_ml(slices, errors) == pytest.approx(planted, rel=0.1)


def test_slices_as_fractions_of_their_boxes():
    slices = slices_of(np.array([0, 1024, 2048.0]), np.array([0, 10, 20.0]), np.array([4096, 4096, 2048]))
    assert slices.fractions.tolist() == [0, 0.25, 1]
    np.testing.assert_allclose(slices.box_ml, [20.48, 40.96, 10.24])
    assert slices.fractions @ slices.box_ml == pytest.approx((1024 * 10 + 2048 * 5) / 1000)


@pytest.mark.parametrize("planted", [0.25, 1.0, 4.0])
def test_beta_is_the_one_with_the_lowest_crps(planted):
    random = np.random.default_rng(3)
    sigmas = random.uniform(4, 15, 1500)
    means = random.uniform(100, 300, 1500)
    volumes = means + np.sqrt(planted) * sigmas * random.standard_normal(1500)
    betas = (0.0625, 0.25, 1.0, 4.0, 16.0)
    assert choose_beta(means, sigmas, volumes, betas, 0.01) == planted
    scores = [crps(gaussian(means, np.sqrt(beta) * sigmas, 0.01), volumes).mean() for beta in betas]
    assert betas[int(np.argmin(scores))] == planted


def test_of_two_equal_betas_the_first_is_taken():
    assert choose_beta([100.0], [0.0], [100.0], (2.0, 1.0), 0.01) == 2.0


def test_a_submission_survives_the_disk(tmp_path):
    forecasts = {
        forecast_id("SCD1", "EDV"): gaussian(np.array([123.4]), np.array([7.0]), 0.01)[0],
        forecast_id("SCD1", "ESV"): step(np.array([60.0]))[0],
    }
    write_forecasts(tmp_path / "forecasts.csv", forecasts)
    lines = (tmp_path / "forecasts.csv").read_text().splitlines()
    assert lines[0].startswith("Id,P0,P1,")
    assert lines[0].endswith(",P599")
    assert [line.split(",")[0] for line in lines[1:]] == ["SCD1_Diastole", "SCD1_Systole"]
    read = read_forecasts(tmp_path / "forecasts.csv")
    for name, forecast in forecasts.items():
        np.testing.assert_allclose(read[name], forecast, atol=5e-7)
