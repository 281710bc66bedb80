import pytest

from lvpipe.scoring.areas import AREA_ERRORS, summarise_areas
from lvpipe.tables import SheetRow

NAN = float("nan")
SHEET = {
    case: SheetRow(cohort, case, "test", case, 0, NAN, NAN, NAN, "", "ok", "")
    for case, cohort in (("a", "c"), ("b", "c"), ("x", "other"))
}


def pair(case, area, reference, box=2000):
    return {"case": case, "cavity_mm2": str(area), "reference_mm2": str(reference), "box_mm2": str(box)}


def test_slices_with_a_cavity_and_without_are_told_apart():
    pairs = [pair("a", 90, 100), pair("b", 460, 500), pair("b", 20, 0), pair("b", 7, ""), pair("x", 1, 1)]
    rows = list(summarise_areas("net", pairs, SHEET))
    assert [tuple(row) for row in rows] == [AREA_ERRORS] * 6
    every, cavity, blank = rows[:3]
    assert [row["slices"] for row in rows] == [3, 2, 1, 1, 1, 0]
    assert (every["model"], every["cohort"], every["split"], every["set"]) == ("net", "c", "test", "all")
    assert cavity["bias_mm2"] == pytest.approx(-25)
    assert every["mae_mm2"] == pytest.approx(70 / 3)
    assert (blank["bias_percent"], blank["mae_percent"]) == (1, 1)
