"""Cases without volumes beside those that are learnt from: they get forecasts, and change nobody's."""

import numpy as np
import pytest

from lvpipe.__main__ import main
from lvpipe.cases import place
from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.config.convert import Completeness
from lvpipe.config.integrate import GivenSource, IntegrateSettings
from lvpipe.config.sheet import PlacedCohort, SheetOrder
from lvpipe.files import write_table
from lvpipe.forecasting import learned
from lvpipe.forecasting.candidates import StraightLine
from lvpipe.readers import areas
from lvpipe.sheet import COLUMNS, sheet_rows

TABLES = ("one", "two")
KNOWN, FURTHER, FOLDS = 60, 10, 3
FRAMES, SLICES = 5, 7
SHAPE_MM2 = 2000 * np.array([0.5, 0.9, 1.0, 0.9, 0.7, 0.5, 0.3])
BEAT = np.array([1.0, 0.7, 0.5, 0.6, 0.8])
NO_TABLE = ("3", "1003")


def heart(name):
    """Its areas by each table, its volumes, and a person; of one seed, whoever else is there."""
    random = np.random.default_rng(int(name))
    table = random.uniform(0.5, 1.6) * np.outer(BEAT, SHAPE_MM2)
    volumes = (table.sum(axis=1)[[2, 0]] / 100 * random.normal(1, 0.04, 2)).round(1)
    tables = [table * random.normal(1, 0.05, table.shape) for _ in TABLES]
    return tables, volumes, (random.integers(20, 80), "FM"[random.integers(2)])


def write_source(root, further_split):
    (root / "areas").mkdir(parents=True)
    sheet, lines = ["case,split,age_years,sex,slice_spacing_mm,systole_ml,diastole_ml"], {name: [] for name in TABLES}
    names = [str(n) for n in range(KNOWN)]
    names += [] if further_split is None else [str(1000 + n) for n in range(FURTHER)]
    for name in names:
        tables, (systole, diastole), (age, sex) = heart(name)
        split, known = ("train", f"{systole},{diastole}") if int(name) < KNOWN else (further_split, ",")
        sheet.append(f"{name},{split},{age},{sex},10,{known}")
        for table, found in zip(TABLES, tables, strict=True):
            cells = [] if name in NO_TABLE else np.ndenumerate(found.round())
            lines[table] += [f"{name},{t},{z},{area:g}" for (t, z), area in cells]
    (root / "cases.csv").write_text("\n".join(sheet) + "\n")
    for table, cells in lines.items():
        (root / "areas" / f"{table}.csv").write_text("\n".join(["case,frame,slice,cavity_mm2", *cells]) + "\n")


def forecast(home, further_split=None):
    """Calibrator and forecasts by Id of both tables together, as the rules make them."""
    root, run = home / f"source-{further_split}", home / f"run-{further_split}"
    write_source(root, further_split)
    cases = [place(case, "k", "", FOLDS, 0.0) for case in areas.list_cases(root)]
    placed = PlacedCohort(name="k", reader="areas", root=str(root), prefix="", volumes=True, tables=TABLES)
    write_table(run / "cases.csv", COLUMNS, sheet_rows(SheetOrder(cohorts=(placed,)), cases, run))
    for table in TABLES:
        source = GivenSource(
            reader="areas", root=str(root), table=table, options={}, prefix="", complete=Completeness()
        )
        files = {name: run / table / f"k_{name}.csv" for name in ("areas", "curves", "volumes", "pairs")}
        words = ["--source", source.canonical(), "--cases", *(case.name for case in cases)]
        words += [word for name, file in files.items() for word in (f"--{name}", file)]
        assert main(["integrate", "given", *map(str, words), "--settings", IntegrateSettings().canonical()]) == 0
    outputs = {"calibrator": "json", "forecasts": "csv", "fallbacks": "csv", "ejection": "csv"}
    words = ["--cases", run / "cases.csv", "--members", *TABLES]
    words += [
        word for name in ("volumes", "pairs") for word in (f"--{name}", *(run / t / f"k_{name}.csv" for t in TABLES))
    ]
    words += [word for name, ending in outputs.items() for word in (f"--{name}", run / f"{name}.{ending}")]
    assert main(["calibrate", *map(str, words), "--settings", CalibrateSettings().canonical()]) == 0
    rows = (run / "forecasts.csv").read_text().splitlines()[1:]
    return (run / "calibrator.json").read_bytes(), dict(row.split(",", 1) for row in rows)


@pytest.fixture(scope="module", autouse=True)
def quick():
    """One candidate of the mixture; the others take seconds, and see the same cases."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learned, "CANDIDATES", (StraightLine(),))
        yield


@pytest.fixture(scope="module")
def alone(quick, tmp_path_factory):
    return forecast(tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("split", ["test", ""])
def test_cases_without_volumes_get_forecasts_and_change_none(alone, split, tmp_path):
    calibrator, forecasts = forecast(tmp_path, split)
    before, known = alone
    assert b'"forecaster": "mixture"' in before
    assert calibrator == before
    assert {name: forecasts[name] for name in known} == known
    assert len(forecasts) == 2 * (KNOWN + FURTHER)
    last = [float(row.rpartition(",")[2]) for row in forecasts.values()]
    assert min(last) > 0.999
