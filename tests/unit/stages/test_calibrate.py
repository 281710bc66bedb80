import json
from pathlib import Path

import numpy as np
import pytest

from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.files import read_json, read_table, write_table
from lvpipe.forecasting.fallbacks import lognormal
from lvpipe.forecasting.forecasters import Calibrator, Estimate, fit, predict
from lvpipe.forecasting.forecasts import AreaErrors, climatology, read_forecasts, sigma_hat_ml, slices_of, step
from lvpipe.integration.tables import BEATS, PAIRS
from lvpipe.metrics import crps, moments_ml
from lvpipe.volumes import slice_weights_ml

POSITIONS = np.arange(0, 80, 10.0)
BOX_MM2 = 64.0 * 64
SETTINGS = CalibrateSettings()


class World:
    """Hearts whose predicted slice areas err with a spread that grows with the area."""

    def __init__(self, cases: int, seed: int = 0, scale: float = 1.0) -> None:
        random = np.random.default_rng(seed)
        size = random.uniform(0.4, 1.0, (cases, 1))
        self.areas = size * 2000 * np.linspace(1, 0.3, len(POSITIONS)) * random.uniform(0.9, 1.1, (cases, 8))
        self.spread = 20 + 0.08 * self.areas
        self.true_areas = scale * (self.areas + self.spread * random.standard_normal(self.areas.shape))
        weights = slice_weights_ml(POSITIONS)
        self.volumes, self.references = self.areas @ weights, self.true_areas @ weights
        self.sigmas = np.sqrt((self.spread**2) @ weights**2)

    @property
    def estimates(self) -> dict[str, Estimate]:
        slices = [slices_of(areas, POSITIONS, BOX_MM2) for areas in self.areas]
        return {f"c{i}": Estimate(float(self.volumes[i]), slices[i]) for i in range(len(slices))}

    @property
    def known(self) -> dict[str, float]:
        return {f"c{i}": float(volume) for i, volume in enumerate(self.references)}

    @property
    def errors(self) -> AreaErrors:
        return AreaErrors(self.areas.ravel() / BOX_MM2, self.true_areas.ravel() / BOX_MM2, 0.01, 20)


def test_a_planted_spread_is_found():
    world = World(1500)
    learnt = fit(world.estimates, world.known, world.errors, SETTINGS)
    assert learnt.cases == 1500
    assert learnt.scale == pytest.approx(1, abs=0.01)
    assert learnt.beta == 1
    forecasts = np.stack([predict(each, learnt, world.errors, SETTINGS) for each in world.estimates.values()])
    means, sds = moments_ml(forecasts)
    np.testing.assert_allclose(means, learnt.scale * world.volumes, atol=0.05)
    np.testing.assert_allclose(sds, world.sigmas, rtol=0.15)
    within = np.abs(world.references - means) < 1.645 * sds
    assert within.mean() == pytest.approx(0.9, abs=0.03)
    assert crps(forecasts, world.references).mean() < 0.8 * crps(step(means), world.references).mean()


def test_errors_that_are_alike_within_a_case_need_a_larger_beta():
    world = World(800)
    shared = np.random.default_rng(9).standard_normal((800, 1)) * world.spread  # one sign for a case's slices
    world.references = (world.areas + shared) @ slice_weights_ml(POSITIONS)
    learnt = fit(world.estimates, world.known, world.errors, SETTINGS)
    assert learnt.beta == 8
    one = world.estimates["c3"]
    sd = moments_ml(predict(one, learnt, world.errors, SETTINGS)[None])[1][0]
    assert sd == pytest.approx(learnt.scale * 8**0.5 * sigma_hat_ml(one.slices, world.errors), rel=0.01)


def test_a_bias_is_scaled_away_unless_it_shall_stay():
    world = World(200, scale=1.2)
    learnt = fit(world.estimates, world.known, world.errors, SETTINGS)
    assert learnt.scale == pytest.approx(1.2, abs=0.02)
    kept = fit(world.estimates, world.known, world.errors, CalibrateSettings(shift="none"))
    assert kept.scale == 1
    one = next(iter(world.estimates.values()))
    mean = moments_ml(predict(one, learnt, world.errors, SETTINGS)[None])[0][0]
    assert mean == pytest.approx(learnt.scale * one.volume_ml, abs=0.05)


def test_only_cases_with_both_numbers_teach():
    world = World(50)
    references = {**world.known, "c0": float("nan"), "unseen": 1e6}
    without = {case: volume for case, volume in world.known.items() if case != "c0"}
    assert fit(world.estimates, references, world.errors, SETTINGS) == fit(
        {case: found for case, found in world.estimates.items() if case != "c0"}, without, world.errors, SETTINGS
    )


def test_where_no_reference_is_known_the_measured_variance_stays():
    world = World(50)
    assert fit(world.estimates, {}, world.errors, SETTINGS) == Calibrator(1.0, 1.0, 0)


def test_without_area_pairs_the_forecast_is_a_step():
    world = World(50)
    learnt = fit(world.estimates, world.known, None, SETTINGS)
    one = world.estimates["c3"]
    expected = step(np.array([learnt.scale * one.volume_ml]))[0]
    np.testing.assert_array_equal(predict(one, learnt, None, SETTINGS), expected)


class Run:
    """Files of a small cohort: c0..c29 train, c30..c34 test, c35 rejected, c36 empty at end-systole."""

    def __init__(self, folder: Path, sheet) -> None:
        self.folder, self.sheet = folder, sheet
        self.world = World(40)
        self.rows = [self._row(i) for i in range(37)]
        self.drawn, self.slices = set(range(20)), True
        self.flags: dict[int, str] = {}
        self.told: np.ndarray | None = None
        """Spreads that the model itself gives its EDVs."""

    def _row(self, i: int) -> dict[str, object]:
        split = "train" if i < 30 else "test"
        edv = float(self.world.references[i])
        return {"case": f"c{i}", "split": split, "edv_ml": edv, "esv_ml": edv / 2}

    def write(self) -> list[object]:
        """The files, and the words of a command line that reads them."""
        beats, pairs = [], []
        for i in range(37):
            volume = float(self.world.volumes[i])
            beat = {**dict.fromkeys(BEATS), "case": f"c{i}", "flags": self.flags.get(i)}
            if i == 35:
                beats.append({**beat, "flags": "rejected"})
                continue
            esv = 0.0 if i == 36 else volume / 2
            sd = None if self.told is None else float(self.told[i])
            spread = {"edv_sd_ml": sd, "esv_sd_ml": sd}
            beats.append({**beat, **spread, "edv_ml": volume, "esv_ml": esv, "ed_frame": 0, "es_frame": 7})
            pairs.extend(self._pairs(i))
        write_table(self.folder / "volumes.csv", BEATS, beats)
        write_table(self.folder / "pairs.csv", PAIRS, pairs if self.slices else [])
        inputs = ("--cases", self.sheet(*self.rows), "--volumes", self.folder / "volumes.csv")
        outputs = ("--calibrator", self.folder / "calibrator.json", "--forecasts", self.folder / "forecasts.csv")
        outputs += ("--fallbacks", self.folder / "fallbacks.csv", "--ejection", self.folder / "ejection.csv")
        return ["calibrate", *inputs, "--pairs", self.folder / "pairs.csv", *outputs, "--settings"]

    def _pairs(self, i: int):
        for frame, part in ((0, 1.0), (7, 0.0 if i == 36 else 0.5)):
            for z, area in enumerate(part * self.world.areas[i]):
                reference = part * self.world.true_areas[i, z] if i in self.drawn else None
                values = (f"c{i}", frame, z, POSITIONS[z], area, BOX_MM2, reference, None)
                yield dict(zip(PAIRS, values, strict=True))

    def results(self) -> tuple[bytes, ...]:
        return tuple((self.folder / name).read_bytes() for name in ("calibrator.json", "forecasts.csv", "ejection.csv"))


@pytest.fixture
def run(tmp_path, sheet):
    return Run(tmp_path, sheet)


def test_every_case_gets_two_forecasts(lvpipe, run, tmp_path):
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    forecasts = read_forecasts(tmp_path / "forecasts.csv")
    assert set(forecasts) == {f"c{i}_{word}" for i in range(37) for word in ("Diastole", "Systole")}
    assert list(forecasts) == sorted(forecasts)
    calibrator = read_json(tmp_path / "calibrator.json")
    assert calibrator["forecaster"] == "sigma_hat"
    assert calibrator["volumes"]["EDV"]["cases"] == 30
    for i in (0, 32):
        mean, sd = moments_ml(forecasts[f"c{i}_Diastole"][None])
        assert mean[0] == pytest.approx(calibrator["volumes"]["EDV"]["scale"] * run.world.volumes[i], abs=0.1)
        assert sd[0] > 1


def test_who_has_no_estimate_gets_the_climatology(lvpipe, run, tmp_path):
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    forecasts = read_forecasts(tmp_path / "forecasts.csv")
    learnt = run.world.references[:30]
    rows = read_table(tmp_path / "fallbacks.csv")
    assert [tuple(row.values()) for row in rows] == [
        ("c35", "EDV", "cohort", "30"),
        ("c35", "ESV", "cohort", "30"),
        ("c36", "ESV", "cohort", "30"),
    ]
    np.testing.assert_allclose(forecasts["c35_Diastole"], climatology(learnt), atol=1e-6)
    np.testing.assert_allclose(forecasts["c35_Systole"], climatology(learnt / 2), atol=1e-6)
    np.testing.assert_allclose(forecasts["c36_Systole"], climatology(learnt / 2), atol=1e-6)
    assert moments_ml(forecasts["c36_Diastole"][None])[1][0] < learnt.std()


def test_test_cases_teach_nothing(lvpipe, run):
    run.drawn |= {31, 32}
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    before = run.results()
    for i in range(30, 37):
        run.rows[i] |= {"edv_ml": 599.0, "esv_ml": 1.0}
    run.world.true_areas[30:] *= 3
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    assert run.results() == before
    run.rows[29] |= {"edv_ml": 599.0}
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    assert run.results()[0] != before[0], "a training case does"


def test_neither_volumes_nor_areas_of_who_is_tested_in_another_cohort_teach(lvpipe, run):
    run.rows[32]["patient"] = "c3"
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    before = run.results()[0]
    assert json.loads(before)["volumes"]["EDV"]["cases"] == 29
    run.rows[3] |= {"edv_ml": 599.0}
    run.world.true_areas[3] *= 3
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    assert run.results()[0] == before


def test_areas_of_training_cases_teach(lvpipe, run):
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    before = run.results()
    run.world.true_areas[5] *= 2
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    assert run.results()[1] != before[1]


def test_a_run_has_steps_by_wish(lvpipe, run, tmp_path):
    assert lvpipe(*run.write(), CalibrateSettings(forecaster="step").canonical()) == 0
    assert json.loads(run.results()[0])["forecaster"] == "step"
    row = next(row for row in read_table(tmp_path / "forecasts.csv") if row["Id"] == "c3_Diastole")
    assert {row[f"P{n}"] for n in range(600)} == {"0", "1"}


@pytest.mark.parametrize("wish", ["auto", "sigma_hat"])
def test_a_run_without_contours_is_linear(lvpipe, run, capsys, wish):
    run.drawn = set()
    assert lvpipe(*run.write(), CalibrateSettings(forecaster="linear").canonical()) == 0
    by_wish = run.results()
    assert "no cohort has contours" not in capsys.readouterr().out
    assert lvpipe(*run.write(), CalibrateSettings(forecaster=wish).canonical()) == 0
    assert "no cohort has contours; the forecast is linear" in capsys.readouterr().out
    assert run.results() == by_wish


def test_with_contours_auto_is_sigma_hat(lvpipe, run):
    made = []
    for wish in ("auto", "sigma_hat"):
        assert lvpipe(*run.write(), CalibrateSettings(forecaster=wish).canonical()) == 0
        made.append(run.results())
    assert made[0] == made[1]
    assert json.loads(made[0][0])["forecaster"] == "sigma_hat"


LINEAR = CalibrateSettings(forecaster="linear").canonical()


def test_a_line_never_learns_from_the_fold_that_it_forecasts(lvpipe, run, tmp_path):
    for i, row in enumerate(run.rows):
        row["fold"] = i % 3
    assert lvpipe(*run.write(), LINEAR) == 0
    before, ejected = read_forecasts(tmp_path / "forecasts.csv"), read_table(tmp_path / "ejection.csv")
    run.rows[4]["edv_ml"] *= 1.5  # of fold 1
    assert lvpipe(*run.write(), LINEAR) == 0
    after = read_forecasts(tmp_path / "forecasts.csv")
    pairs = zip(ejected, read_table(tmp_path / "ejection.csv"), strict=True)
    assert {row["case"] for row, now in pairs if row == now} == {f"c{i}" for i in range(30) if i % 3 == 1}
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    measured = [f"c{i}_Diastole" for i in range(37) if i != 35]
    assert moved - {"c35_Diastole"} == {
        n for i, n in zip([*range(35), 36], measured, strict=True) if i >= 30 or i % 3 != 1
    }
    lines = read_json(tmp_path / "calibrator.json")["volumes"]["EDV"]
    assert sorted(lines) == ["0", "1", "2", "all"]
    assert [lines[key]["cases"] for key in ("all", "1")] == [30, 20]


def test_a_planted_line_and_spread_are_found(lvpipe, run, tmp_path):
    random = np.random.default_rng(2)
    run.world.volumes[:37] = random.uniform(60, 300, 37)
    for i, row in enumerate(run.rows):
        row["edv_ml"] = 12 + 1.1 * run.world.volumes[i] + 5 * random.standard_normal()
    assert lvpipe(*run.write(), LINEAR) == 0
    line = read_json(tmp_path / "calibrator.json")["volumes"]["EDV"]["all"]
    assert line["slope"] == pytest.approx(1.1, abs=0.04)
    assert line["intercept"] == pytest.approx(12, abs=8)
    mean, sd = moments_ml(read_forecasts(tmp_path / "forecasts.csv")["c32_Diastole"][None])
    assert mean[0] == pytest.approx(line["intercept"] + line["slope"] * run.world.volumes[32], abs=0.1)
    assert sd[0] == pytest.approx(5, abs=1.5)


def test_cases_without_volumes_and_test_patients_change_no_byte_of_the_calibrator(lvpipe, run):
    assert lvpipe(*run.write(), LINEAR) == 0
    before = run.results()[0]
    for i in range(30, 37):
        run.rows[i] |= {"edv_ml": None, "esv_ml": None}
    assert lvpipe(*run.write(), LINEAR) == 0
    assert run.results()[0] == before
    run.rows[32]["patient"] = "c3"  # now a test patient: no longer learnt from
    assert lvpipe(*run.write(), LINEAR) == 0
    assert json.loads(run.results()[0])["volumes"]["EDV"]["all"]["cases"] == 29


def test_without_references_the_estimate_stays_with_a_usual_spread(lvpipe, run, tmp_path):
    for row in run.rows:
        row |= {"edv_ml": None, "esv_ml": None}
    assert lvpipe(*run.write(), LINEAR) == 0
    mean, sd = moments_ml(read_forecasts(tmp_path / "forecasts.csv")["c3_Diastole"][None])
    assert mean[0] == pytest.approx(run.world.volumes[3], abs=0.1)
    assert sd[0] == pytest.approx(0.15 * run.world.volumes[3], rel=0.02)
    assert read_json(tmp_path / "calibrator.json")["volumes"]["EDV"]["all"] is None


def test_who_has_no_estimate_but_an_age_gets_the_forecast_of_the_like_aged(lvpipe, run, tmp_path):
    for i, row in enumerate(run.rows):
        row |= {"age_years": i, "sex": "F" if i < 15 or i > 34 else "M"}
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    forecast = read_forecasts(tmp_path / "forecasts.csv")["c35_Diastole"]
    np.testing.assert_allclose(forecast, lognormal(run.world.references[:15]), atol=1e-6)
    assert read_table(tmp_path / "fallbacks.csv")[0]["fallback"] == "age_sex"


def test_an_incomplete_stack_teaches_nothing_and_is_forecast_by_its_slices(lvpipe, run, tmp_path):
    run.flags = {7: "few-slices incomplete"}
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    assert read_json(tmp_path / "calibrator.json")["volumes"]["EDV"]["cases"] == 29
    assert [row["fallback"] for row in read_table(tmp_path / "fallbacks.csv") if row["case"] == "c7"] == ["slices"] * 2
    mean = moments_ml(read_forecasts(tmp_path / "forecasts.csv")["c7_Diastole"][None])[0][0]
    assert abs(mean - run.world.references[7]) < run.world.references[:30].std()


def test_a_spread_that_the_model_tells_is_taken_times_a_factor(lvpipe, run, tmp_path):
    run.slices, random = False, np.random.default_rng(3)
    run.world.volumes[:37], sds = random.uniform(60, 300, 37), random.choice([2.0, 20.0], 37)
    for i, row in enumerate(run.rows):
        row["edv_ml"] = run.world.volumes[i] + sds[i] * random.standard_normal()
    run.told = sds / 4
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    calibrator = read_json(tmp_path / "calibrator.json")
    learnt = calibrator["volumes"]["EDV"]
    assert (calibrator["forecaster"], learnt["cases"]) == ("spread", 30)
    assert 2.8 <= learnt["factor"] <= 5.6
    forecasts = read_forecasts(tmp_path / "forecasts.csv")
    for i in (31, 33):
        mean, sd = moments_ml(forecasts[f"c{i}_Diastole"][None])
        line = learnt["all"]
        assert mean[0] == pytest.approx(line["intercept"] + line["slope"] * run.world.volumes[i], abs=0.1)
        assert sd[0] == pytest.approx(learnt["factor"] * run.told[i], rel=0.05)
    assert {row["fallback"] for row in read_table(tmp_path / "fallbacks.csv")} == {"cohort"}


def test_a_model_that_is_to_tell_a_spread_and_does_not_gets_another_forecaster(lvpipe, run, capsys):
    assert lvpipe(*run.write(), CalibrateSettings(forecaster="spread").canonical()) == 0
    assert "which this model does not tell" in capsys.readouterr().out
    assert json.loads(run.results()[0])["forecaster"] == "sigma_hat"


def test_a_model_without_slices_and_spread_is_linear(lvpipe, run):
    run.slices = False
    assert lvpipe(*run.write(), SETTINGS.canonical()) == 0
    assert json.loads(run.results()[0])["forecaster"] == "linear"
