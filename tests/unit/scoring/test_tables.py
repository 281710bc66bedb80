import numpy as np
import pytest

from lvpipe.files import read_table
from lvpipe.forecast_metrics import decompose_crps
from lvpipe.forecasting.ejection import ejection_rows
from lvpipe.forecasting.forecasts import forecast_id, gaussian
from lvpipe.metrics import covers, crps
from lvpipe.scoring.groups import bands
from lvpipe.scoring.tables import COLUMNS, ForecastTables
from lvpipe.scoring.volumes import KINDS, Scored, entries
from lvpipe.tables import SheetRow

CASES = 40
TRAINED = 28
"""The rest are of split validate."""


def hearts(cases=CASES, seed=0):
    """People of both sexes with volumes; the last one without."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(cases):
        edv, split = random.uniform(90, 240), "train" if i < TRAINED else "validate"
        known = (edv, random.uniform(0.3, 0.6) * edv) if i < cases - 1 else (np.nan, np.nan)
        rows.append(SheetRow("c", f"h{i}", split, f"p{i}", i % 3, *known, 10.0 + 2 * i, "FM"[i % 2], "ok", ""))
    return rows


def entries_of(name, rows, sd, miss, seed=1):
    """Forecasts of spread `sd` that miss by `miss` on average."""
    random = np.random.default_rng(seed)
    sheet = {row.case: row for row in rows}
    parts = []
    for kind in KINDS:
        volumes = np.nan_to_num([row.reference_ml(kind) for row in rows], nan=100.0)
        made = gaussian(volumes + miss + random.normal(0, 8, len(rows)), np.full(len(rows), sd), 0.01)
        parts.append(Scored(kind, tuple(rows), made))
    return list(entries(name, parts, sheet, set())), parts


def ejected(rows, parts):
    forecasts = {forecast_id(r.case, p.kind): p.forecasts[i] for p in parts for i, r in enumerate(p.rows)}
    made = ejection_rows(rows, forecasts, {kind: {"all": {}} for kind in KINDS}, [], [])
    return {row["case"]: {name: str(cell) for name, cell in row.items()} for row in made}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The tables of two models of the same errors, of which the second is 10 mL off, and their forecasts."""
    folder, rows = tmp_path_factory.mktemp("tables"), hearts()
    beats = {row.case: {"slices": str(8 + i % 4)} for i, row in enumerate(rows)}
    tables, forecasts = ForecastTables(), {}
    for name, miss in (("good", 0.0), ("off", 10.0)):
        found, forecasts[name] = entries_of(name, rows, 8.0, miss)
        tables.add(found, beats, ejected(rows, forecasts[name]))
    tables.write(folder)
    return {name: read_table(folder / f"{name}.csv") for name in COLUMNS}, forecasts, tables


def one(rows, **wanted):
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


BOTH = {"cohort": "c", "split": "train+validate", "volume": "both"}


def test_figures_are_those_of_the_forecasts(made):
    tables, forecasts, _ = made
    known = [part.only(np.isfinite(part.references_ml)) for part in forecasts["good"]]
    scores = np.concatenate([crps(part.forecasts, part.references_ml) for part in known])
    inside = np.concatenate([covers(part.forecasts, part.references_ml, 0.8) for part in known])
    rows = [row for row in tables["headline"] if row["model"] == "good" and BOTH.items() <= row.items()]
    found = {row["figure"]: row for row in rows}
    assert float(found["crps"]["value"]) == pytest.approx(scores.mean())
    assert float(found["coverage_80"]["value"]) == pytest.approx(inside.mean())
    assert found["crps"]["cases"] == str(CASES - 1), "one has no reference"
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)


def test_two_splits_together_are_the_mean_of_both(made):
    rows = [row for row in made[0]["headline"] if row["model"] == "off" and row["figure"] == "rmse_ml"]
    train, validate, both = (one(rows, split=split, volume="EDV") for split in ("train", "validate", BOTH["split"]))
    squares = [float(row["value"]) ** 2 * int(row["cases"]) for row in (train, validate)]
    assert float(both["value"]) ** 2 * int(both["cases"]) == pytest.approx(sum(squares))
    assert {row["model"] for row in made[0]["headline"]} == {"good", "off", "step:good", "step:off", "climatology"}


def test_ejection_fractions_are_judged_too(made):
    tables, forecasts, _ = made
    rows = [row for row in forecasts["good"][0].rows if np.isfinite(row.edv_ml)]
    told = ejected([*rows], [part.only(np.isfinite(part.references_ml)) for part in forecasts["good"]])
    errors = [float(told[r.case]["ef_mean_percent"]) - 100 * (1 - r.esv_ml / r.edv_ml) for r in rows]
    found = {row["figure"]: float(row["value"]) for row in tables["headline"] if row["model"] == "good"
             and (row["split"], row["volume"]) == (BOTH["split"], "EF")}  # fmt: skip
    assert found["rmse_percent"] == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert found["rps"] == pytest.approx(np.mean([found[f"brier_{cut}"] for cut in (35, 45, 55, 73)]))
    assert 0 < found["rps"] < 0.1
    assert found["coverage_90"] > found["coverage_50"] > 0.3


def test_differences_are_paired(made):
    tables = made[0]
    row = one(tables["differences"], **BOTH, model="good", other="off", figure="crps")
    good, off = (one(tables["headline"], **BOTH, model=name, figure="crps") for name in ("good", "off"))
    assert float(row["difference"]) == pytest.approx(float(good["value"]) - float(off["value"]))
    assert float(row["low"]) < float(row["difference"]) < float(row["high"]) < 0
    assert "bias_ml" not in {row["figure"] for row in tables["differences"]}, "less is not better"


def test_what_is_the_same_does_not_differ(tmp_path):
    rows, tables = hearts(), ForecastTables()
    for name in ("one", "two"):
        found, parts = entries_of(name, rows, 8.0, 0.0)
        tables.add(found, {}, ejected(rows, parts))
    tables.write(tmp_path)
    assert {(r["difference"], r["low"], r["high"]) for r in read_table(tmp_path / "differences.csv")} == {
        ("0", "0", "0")
    }


def test_coverage_of_all_and_of_kinds_of_cases(made):
    rows = [row for row in made[0]["coverage"] if row["model"] == "good" and BOTH.items() <= row.items()]
    whole = one(rows, by="all")
    assert float(whole["coverage_90"]) == pytest.approx(0.9, abs=0.08)
    assert float(whole["coverage_90_low"]) < float(whole["coverage_90"]) < float(whole["coverage_90_high"])
    kinds = {by: [row for row in rows if row["by"] == by] for by in dict.fromkeys(row["by"] for row in rows)}
    assert list(kinds) == ["all", "slices", "age", "sex", "forecast EF", "EF"]
    for members in kinds.values():
        assert sum(int(row["cases"]) for row in members) == CASES - 1
        mean = sum(float(row["coverage_50"]) * int(row["cases"]) for row in members) / (CASES - 1)
        assert mean == pytest.approx(float(whole["coverage_50"]))
    assert [row["group"] for row in kinds["slices"]] == ["under 9 slices", "9 slices", "10 slices", "11 slices"]
    volumes = [row["group"] for row in made[0]["coverage"] if row["by"] == "volume" and row["volume"] == "EDV"]
    assert volumes[0] == "under 100 mL"


def test_a_band_begins_at_its_lower_cut():
    words, found = bands([34.9, 35, 44.9, 45, 80, np.nan], (35, 45), "%")
    assert words == ["under 35 %", "35 to 45 %", "45 % or more", "unknown"]
    assert [words.index(word) for word in found] == [0, 1, 1, 2, 2, 3]


def test_terms_of_the_crps_add_up_in_the_table(made):
    tables, forecasts, _ = made
    for row in tables["decomposition"]:
        terms = {name: float(row[name]) for name in ("crps", "reliability", "resolution", "uncertainty")}
        assert terms["crps"] == pytest.approx(
            terms["reliability"] - terms["resolution"] + terms["uncertainty"], abs=1e-7
        )
    good, off = (one(tables["decomposition"], **BOTH, model=name) for name in ("good", "off"))
    assert float(off["reliability"]) > float(good["reliability"])
    part = forecasts["off"][0].only(np.isfinite(forecasts["off"][0].references_ml))
    row = one(tables["decomposition"], model="off", split=BOTH["split"], volume="EDV")
    assert float(row["resolution"]) == pytest.approx(decompose_crps(part.forecasts, part.references_ml).resolution)


def test_histograms_and_diagrams_count_everything(made):
    pit = [row for row in made[0]["pit"] if row["model"] == "off" and BOTH.items() <= row.items()]
    assert sum(float(row["references"]) for row in pit) == pytest.approx(2 * (CASES - 1))
    assert float(pit[0]["references"]) > 2 * float(pit[0]["if_calibrated"]), "forecasts 10 mL too high"
    for volume, events in (("EDV", 600), ("EF", 4)):
        rows = [r for r in made[0]["reliability"] if (r["model"], r["split"], r["volume"]) == ("good", "train", volume)]
        assert sum(int(row["probabilities"]) for row in rows) == events * TRAINED
        assert all(row["mean_probability"] == "" for row in rows if row["probabilities"] == "0")


def test_few_patients_have_figures_without_intervals(tmp_path):
    rows, tables = hearts(6), ForecastTables()
    found, parts = entries_of("m", rows, 8.0, 0.0)
    tables.add(found, {}, ejected(rows, parts))
    tables.write(tmp_path)
    made = read_table(tmp_path / "headline.csv")
    assert {row["cases"] for row in made} == {"5"}
    assert all(row["value"] and not row["low"] and not row["high"] for row in made)
    assert list(tables.remarks()) == ["intervals are blank where fewer than 10 patients have references: c train (5)"]


def test_a_volume_that_nobody_knows_makes_no_row(tmp_path):
    rows = [SheetRow("c", f"h{i}", "train", f"p{i}", 0, 150.0, np.nan, 50, "F", "ok", "") for i in range(12)]
    tables = ForecastTables()
    found, parts = entries_of("m", rows, 8.0, 0.0)
    tables.add(found, {}, ejected(rows, parts))
    tables.write(tmp_path)
    assert {row["volume"] for row in read_table(tmp_path / "headline.csv")} == {"EDV", "both"}
    assert {row["volume"] for row in read_table(tmp_path / "decomposition.csv")} == {"EDV", "both"}
