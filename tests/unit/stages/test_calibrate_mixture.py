"""`calibrate` with `mixture`: of one model, and of several that are combined."""

import numpy as np
import pytest

from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.files import read_json, read_table, write_table
from lvpipe.forecasting import learned
from lvpipe.forecasting.candidates import Neighbours, StraightLine
from lvpipe.forecasting.forecasts import read_forecasts
from lvpipe.forecasting.panels import FEWEST
from lvpipe.integration.tables import BEATS, PAIRS
from lvpipe.metrics import moments_ml

STACK = np.array([0.15, 0.3, 0.3, 0.2, 0.05])
"""Shares of a volume in its slices, 10 mm apart."""


class Hearts:
    """Hearts that three models measure, `good` best; the last two have no volumes, `lost` was measured by nobody."""

    def __init__(self, folder, sheet, count: int = FEWEST) -> None:
        random = np.random.default_rng(3)
        self.folder, self.sheet = folder, sheet
        self.names = [f"h{i}" for i in range(count)] + ["t1", "t2", "lost"]
        self.edv_ml = random.uniform(70, 250, len(self.names))
        self.rows = {name: self._row(i, name) for i, name in enumerate(self.names)}
        self.sds_ml = {"poor": 40.0, "good": 5.0, "fair": 8.0}
        self.errors = {model: random.standard_normal(len(self.names)) for model in self.sds_ml}
        self.unmeasured = {(model, "lost") for model in self.sds_ml}

    def _row(self, i: int, name: str) -> dict[str, object]:
        known = {"edv_ml": self.edv_ml[i], "esv_ml": 0.4 * self.edv_ml[i]} if name[0] != "t" else {"split": "test"}
        return {"case": name, "fold": i % 3, "age_years": 50, "sex": "F", **known}

    def run(self, lvpipe, *models: str, combined: bool = True, **settings) -> None:
        for model in models:
            self._write(model)
        words = ["--cases", self.sheet(*self.rows.values())]
        for name in ("volumes", "pairs"):
            words += [f"--{name}", *(self.folder / model / f"c_{name}.csv" for model in models)]
        for name in ("calibrator.json", "forecasts.csv", "fallbacks.csv", "ejection.csv"):
            words += [f"--{name.split('.')[0]}", self.folder / name]
        members = ["--members", *(models if combined else ())]
        told = CalibrateSettings(**settings).canonical()
        assert lvpipe("calibrate", *words, *members, "--settings", told) == 0

    def _write(self, model: str) -> None:
        beats, pairs = [], []
        for i, name in enumerate(self.names):
            if name not in self.rows:
                continue
            nothing = dict.fromkeys(BEATS) | {"case": name, "flags": "rejected"}
            if (model, name) in self.unmeasured:
                beats.append(nothing)
                continue
            edv = float(self.edv_ml[i] + self.sds_ml[model] * self.errors[model][i])
            beats.append(nothing | {"edv_ml": edv, "esv_ml": 0.4 * edv, "ed_frame": 0, "es_frame": 9, "flags": ""})
            for frame, volume in ((0, edv), (9, 0.4 * edv)):
                for z, share in enumerate(STACK):
                    cells = (name, frame, z, 10.0 * z, 100 * share * volume, None, None, 500.0)
                    pairs.append(dict(zip(PAIRS, cells, strict=True)))
        write_table(self.folder / model / "c_volumes.csv", BEATS, beats)
        write_table(self.folder / model / "c_pairs.csv", PAIRS, pairs)

    @property
    def forecasts(self) -> dict[str, np.ndarray]:
        return read_forecasts(self.folder / "forecasts.csv")

    @property
    def calibrator(self):
        return read_json(self.folder / "calibrator.json")


@pytest.fixture
def hearts(tmp_path, sheet):
    return Hearts(tmp_path, sheet)


def test_several_are_combined_by_those_that_are_best(lvpipe, hearts):
    hearts.unmeasured |= {("good", "h5"), ("fair", "h5"), ("good", "t1")}
    hearts.run(lvpipe, "poor", "fair", "good")
    assert set(hearts.forecasts) == {f"{name}_{word}" for name in hearts.names for word in ("Diastole", "Systole")}
    learnt = hearts.calibrator
    assert learnt["forecaster"] == "mixture"
    assert set(learnt["volumes"]["EDV"]) == {"all", "0", "1", "2"}
    for fold in learnt["volumes"]["EDV"].values():
        assert fold["leading"] == ["good", "fair"]
        weights = [one["weight"] for one in fold["candidates"].values() if one["weight"] is not None]
        assert sum(weights) == pytest.approx(1)
    means, sds = moments_ml(np.stack([hearts.forecasts[f"{name}_Diastole"] for name in hearts.names]))
    missed = np.abs(means - hearts.edv_ml)[:-3]
    assert np.delete(missed, 5).mean() < 6
    assert {row["case"] for row in read_table(hearts.folder / "fallbacks.csv")} == {"lost"}
    assert sds[5] < sds[-1], "what the poor model alone says of h5 is more than nothing"


@pytest.fixture
def quick(monkeypatch):
    """Candidates that learn in no time."""
    monkeypatch.setattr(learned, "CANDIDATES", (StraightLine(), Neighbours()))


def test_no_reference_reaches_the_forecasts_of_its_own_fold(lvpipe, hearts, quick):
    hearts.run(lvpipe, "good", "fair")
    before, ejected = hearts.forecasts, read_table(hearts.folder / "ejection.csv")
    hearts.rows["h5"] |= {"edv_ml": 500.0, "esv_ml": 300.0}
    hearts.run(lvpipe, "good", "fair")
    after = hearts.forecasts
    moved = {name.split("_")[0] for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {name for i, name in enumerate(hearts.names) if i % 3 != 2 or name in ("t1", "t2", "lost")}
    pairs = zip(ejected, read_table(hearts.folder / "ejection.csv"), strict=True)
    assert {row["case"] for row, now in pairs if row != now} == moved


def test_cases_without_volumes_change_no_byte_of_the_calibrator(lvpipe, hearts, quick):
    hearts.run(lvpipe, "good", "fair")
    before = hearts.calibrator
    for name in ("t1", "t2"):
        del hearts.rows[name]
    hearts.run(lvpipe, "good", "fair")
    assert hearts.calibrator == before


def test_one_model_by_wish(lvpipe, hearts, quick):
    hearts.run(lvpipe, "good", combined=False, forecaster="mixture")
    assert hearts.calibrator["forecaster"] == "mixture"
    hearts.run(lvpipe, "good", combined=False)
    assert hearts.calibrator["forecaster"] == "linear"


def test_few_references_are_for_a_line(lvpipe, tmp_path, sheet, capsys):
    few = Hearts(tmp_path, sheet, count=FEWEST - 2)
    few.run(lvpipe, "good", "fair")
    assert few.calibrator["forecaster"] == "linear"
    assert f"and found {FEWEST - 2} of EDV in 3: the forecast is linear" in capsys.readouterr().out
    assert few.calibrator["volumes"]["EDV"]["all"]["cases"] == FEWEST - 2


def test_folds_of_which_two_hold_nearly_everybody_are_for_a_line(lvpipe, hearts, capsys):
    for i, row in enumerate(hearts.rows.values()):
        row["fold"] = max(0, 2 - i)
    hearts.run(lvpipe, "good", "fair")
    assert hearts.calibrator["forecaster"] == "linear"
    assert "needs 10 references outside any two folds and found 1 of EDV" in capsys.readouterr().out


def test_who_leads_tells_a_line_nothing_of_the_fold_that_it_forecasts(lvpipe, hearts):
    folds = [hearts.rows[name]["fold"] for name in hearts.names]
    hearts.errors["fair"] = np.where(np.array(folds) == 2, 1, hearts.errors["good"])
    hearts.sds_ml |= {"fair": 5.0}
    hearts.run(lvpipe, "poor", "fair", "good", forecaster="linear")
    before = hearts.calibrator["volumes"]
    for row in hearts.rows.values():
        if row["fold"] == 2 and "edv_ml" in row:
            row |= {"edv_ml": 1000 * np.random.default_rng(1).random(), "esv_ml": 9.0}
    hearts.run(lvpipe, "poor", "fair", "good", forecaster="linear")
    after = hearts.calibrator["volumes"]
    assert before["EDV"]["2"] == after["EDV"]["2"]
    assert before["EDV"]["0"] != after["EDV"]["0"]


def test_what_only_one_model_can_tell_is_a_mixture_of_several(lvpipe, hearts, quick, capsys):
    hearts.run(lvpipe, "good", "fair", forecaster="sigma_hat")
    assert "sigma_hat is one model's own" in capsys.readouterr().out
    assert hearts.calibrator["forecaster"] == "mixture"


def test_tables_of_strangers_are_refused(lvpipe, hearts, capsys):
    hearts._write("good")
    tables = [hearts.folder / "good" / f"c_{name}.csv" for name in ("volumes", "pairs")]
    outputs = [word for name in ("calibrator", "forecasts", "fallbacks", "ejection") for word in (f"--{name}", "x")]
    words = ("--cases", hearts.sheet(*hearts.rows.values()), "--volumes", tables[0], "--pairs", tables[1], *outputs)
    settings = CalibrateSettings().canonical()
    assert lvpipe("calibrate", *words, "--members", "good", "fair", "--settings", settings) == 1
    assert "tables of good; expected those of the members fair, good" in capsys.readouterr().err
