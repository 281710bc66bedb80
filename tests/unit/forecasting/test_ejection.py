import numpy as np
import pytest

from lvpipe.forecasting.ejection import CLASSES, EJECTION, correlations, ejection_rows, misses_ml
from lvpipe.forecasting.forecasts import forecast_id, gaussian
from lvpipe.forecasting.joint import UNKNOWN
from lvpipe.forecasting.panels import without_each
from lvpipe.tables import SheetRow

FOLDS = 3


def sheet_row(case, fold, edv, esv, split="train"):
    return SheetRow("c", case, split, case, fold, edv, esv, 50, "F", "ok", "")


@pytest.fixture
def hearts():
    """Errors that go together in folds 0 and 1, and against each other in fold 2; one case was not measured."""
    random = np.random.default_rng(0)
    rows, estimates = [], {"EDV": {}, "ESV": {}}
    for i in range(90):
        edv, error = random.uniform(100, 250), random.normal(0, 8)
        rows.append(sheet_row(f"h{i}", i % FOLDS, edv, 0.4 * edv))
        estimates["EDV"][f"h{i}"] = edv - error
        estimates["ESV"][f"h{i}"] = 0.4 * edv - 0.8 * error * (-1 if i % FOLDS == 2 else 1)
    rows += [sheet_row("blind", 0, 150, 60), sheet_row("late", 1, np.nan, np.nan, split="test")]
    estimates["EDV"]["late"] = estimates["ESV"]["late"] = 100.0
    return rows, estimates


def learnt_of(rows):
    return [row for row in rows if row.split == "train"]


def misses_of(estimates, learnt):
    groups = without_each(learnt).items()
    return {
        kind: {fold: misses_ml(known, {row.case: row.reference_ml(kind) for row in some}) for fold, some in groups}
        for kind, known in estimates.items()
    }


def found_for(rows, estimates, learnt):
    misses = misses_of(estimates, learnt)
    return correlations(rows, misses, set(estimates["EDV"]), learnt)


def test_a_case_gets_what_the_other_folds_tell(hearts):
    rows, estimates = hearts
    found = dict(zip([row.case for row in rows], found_for(rows, estimates, learnt_of(rows)), strict=True))
    assert found["h2"] == pytest.approx(0.99), "fold 2 is forecast by 0 and 1 alone"
    assert found["h0"] < 0.5
    assert found["late"] not in (found["h0"], found["h1"], found["h2"]), "a test case is forecast by all"
    assert found["blind"] == pytest.approx(0.99), "nothing is known of it but that hearts are large or small"


def test_its_own_references_change_no_row_of_a_fold(hearts):
    rows, estimates = hearts
    moved = [sheet_row(row.case, row.fold, 500 - row.edv_ml, 3) if row.fold == 1 else row for row in rows]
    same = [place for place, row in enumerate(rows) if row.fold == 1 and row.split == "train"]
    before, after = (found_for(which, estimates, learnt_of(which)) for which in (rows, moved))
    assert (before[same] == after[same]).all()
    assert (before != after).any()


def test_rows_of_the_table(hearts):
    rows, estimates = hearts
    forecasts = {}
    for row in rows:
        for kind, mean in (("EDV", 160.0), ("ESV", 80.0)):
            forecasts[forecast_id(row.case, kind)] = gaussian([mean], [5.0], 0.01)[0]
    misses = misses_of(estimates, learnt_of(rows))
    made = list(ejection_rows(rows, forecasts, misses, set(), learnt_of(rows)))
    assert [one["case"] for one in made] == [row.case for row in rows]
    assert all(tuple(one) == EJECTION for one in made)
    first = made[0]
    assert first["ef_p50_percent"] == pytest.approx(50, abs=0.3)
    assert first["sv_p5_ml"] < first["sv_p50_ml"] < first["sv_p95_ml"]
    assert sum(first[name] for name in CLASSES) == pytest.approx(1, abs=1e-9)
    assert max(CLASSES, key=first.__getitem__) == "p_ef_45_55"


def test_without_references_the_correlation_is_that_of_other_hearts(hearts):
    rows, estimates = hearts
    assert set(found_for(rows, estimates, [])) == {UNKNOWN}
    assert list(ejection_rows([], {}, {}, [], [])) == []
