import numpy as np
import pytest
from scipy.special import ndtr

from lvpipe.forecasting.forecasts import gaussian, step
from lvpipe.scoring.outliers import OUTLIERS, find_outliers, large_error_chances, outlier_rows
from lvpipe.scoring.volumes import Scored
from lvpipe.tables import SheetRow

CASES = 200


def row(i, split="train", edv_ml=150.0):
    return SheetRow("c", str(i), split, f"p{i}", i % 5, edv_ml, np.nan, np.nan, "", "ok", "")


def parts_of(rows, sds):
    """Forecasts about 150 mL of both volumes; of ESV there are no references, and no doubt."""
    edv = gaussian(np.full(len(rows), 150.0), np.asarray(sds, float), 0.01)
    return [Scored("EDV", tuple(rows), edv), Scored("ESV", tuple(rows), step(np.full(len(rows), 60.0)))]


def test_the_chance_of_a_large_error_is_the_forecasts_own():
    chances = large_error_chances(gaussian(np.full(3, 200.0), np.array([5.0, 25.0, 100.0]), 0.01))
    np.testing.assert_allclose(chances, 2 * ndtr([-5, -1, -0.25]), atol=0.01)
    assert large_error_chances(step(np.array([0.0, 10.0, 599.0]))).tolist() == [0, 0, 0]


def test_a_tenth_of_the_cases_looks_odd_and_who_was_not_measured():
    rows = [row(i) for i in range(CASES)]
    found = find_outliers(parts_of(rows, np.linspace(5, 25, CASES)), {"3": "age_sex"})
    odd = [row.case for row, is_odd in zip(rows, found.odd, strict=True) if is_odd]
    assert "3" in odd
    assert abs(len(odd) - 1 - CASES // 10) <= 2
    assert min(map(int, set(odd) - {"3"})) >= CASES * 0.89


def test_neither_its_own_reference_nor_its_own_fold_says_that_a_case_is_odd():
    sds = np.linspace(5, 25, CASES)
    before = find_outliers(parts_of([row(i) for i in range(CASES)], sds), {})
    after = find_outliers(parts_of([row(i, edv_ml=300.0) for i in range(CASES)], sds), {})
    assert (before.odd == after.odd).all()
    assert after.errors.all()
    wider = np.where(np.arange(CASES) % 5 == 2, 30.0, sds)
    assert find_outliers(parts_of(before.rows, wider), {}).limits["2"] == before.limits["2"]


def test_cases_without_volumes_move_no_limit_and_are_told_odd_too():
    rows, sds = [row(i) for i in range(CASES)], np.linspace(5, 25, CASES)
    more = [row(1000 + i, split, np.nan) for i, split in enumerate(("test", "train"))]
    before, after = find_outliers(parts_of(rows, sds), {}), find_outliers(parts_of([*rows, *more], [*sds, 40, 4]), {})
    assert before.limits == after.limits
    assert after.odd[-2:].tolist() == [True, False]
    assert [cells["outlier"] for cells in after.cells()][-2:] == [1, 0]


def test_precision_and_recall_of_those_with_a_reference():
    volumes = [150, 150, 190, 190, 190, np.nan]
    rows = [row(i, "test", float(volume)) for i, volume in enumerate(volumes)]
    found = find_outliers(parts_of(rows, [5, 90, 5, 90, 90, 90]), {})
    assert set(found.limits.values()) == {0.25}  # too few to learn from
    (summary,) = outlier_rows("net", found)
    assert tuple(summary) == OUTLIERS
    assert [summary[name] for name in OUTLIERS[3:7]] == [5, 3, 3, 2]
    assert [summary[name] for name in OUTLIERS[7:]] == pytest.approx([2 / 3, 2 / 3, 0.25, 0.25])
