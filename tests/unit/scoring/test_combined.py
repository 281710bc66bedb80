import numpy as np
import pytest

from lvpipe.forecasting.forecasts import step
from lvpipe.integration.tables import BEATS
from lvpipe.scoring.combined import combine_beats, with_means
from lvpipe.scoring.volumes import Scored
from lvpipe.tables import SheetRow


def beat(case="1", flags="", reason="", slices="10"):
    told = {"case": case, "edv_ml": "100", "ed_frame": "3", "slices": slices, "flags": flags, "reason": reason}
    return dict.fromkeys(BEATS, "") | told


def combined(*rows):
    return combine_beats([{row["case"]: row} for row in rows])


@pytest.mark.parametrize(
    ("members", "flags", "reason"),
    [
        ([beat(flags="few-slices implausible"), beat(flags="few-slices")], "few-slices", ""),
        ([beat(flags="rejected", reason="no table"), beat(flags="few-slices")], "few-slices", ""),
        ([beat(flags="incomplete", reason="gap"), beat(flags="rejected", reason="no table")], "incomplete", "gap"),
        ([beat(flags="rejected", reason="none"), beat(flags="rejected", reason="bad")], "rejected", "none; bad"),
    ],
)
def test_those_who_measured_a_case_say_what_is_odd_about_it(members, flags, reason):
    (found,) = combined(*members).values()
    assert (found["flags"], found["reason"], found["slices"]) == (flags, reason, "10")
    assert found["edv_ml"] == found["ed_frame"] == ""


def test_a_case_that_a_member_does_not_know_is_none():
    assert combined(beat("1"), beat("2")) == {}


def test_volumes_are_the_means_of_the_forecasts_where_anything_was_measured():
    rows = tuple(SheetRow("c", case, "test", case, 0, *[np.nan] * 3, "", "ok", "") for case in "12")
    parts = [Scored(kind, rows, step(np.array([ml, ml]))) for kind, ml in (("EDV", 120.0), ("ESV", 60.0))]
    found = with_means({"1": beat("1"), "2": {**beat("2", flags="rejected"), "edv_ml": ""}}, parts)
    numbers = [float(found["1"][name]) for name in ("edv_ml", "esv_ml", "sv_ml", "ef_percent")]
    assert numbers == pytest.approx([119.5, 59.5, 60, 100 * 60 / 119.5])  # a step at n has its mean in the mL below
    assert found["2"]["edv_ml"] == found["2"]["ef_percent"] == ""
