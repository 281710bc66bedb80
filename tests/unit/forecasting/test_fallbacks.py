from dataclasses import replace

import numpy as np
import pytest

from lvpipe.forecasting.fallbacks import (
    AGE_SEX,
    COHORT,
    SLICES,
    Peers,
    Slab,
    alike_people,
    fall_back,
    later,
    lognormal,
    slab_of,
)
from lvpipe.forecasting.forecasts import climatology
from lvpipe.metrics import FORECAST_ML, moments_ml
from lvpipe.tables import SheetRow

NAN = float("nan")
SHAPE = np.array([0.4, 0.8, 1.0, 0.9, 0.7, 0.5, 0.2])
"""Areas along a heart, as parts of the largest."""


def row(case, edv=NAN, age=NAN, sex="", cohort="c", patient=None):
    return SheetRow(cohort, case, "train", patient or case, 0, edv, edv / 2, age, sex, "ok", "")


def heart(scale):
    return Slab(scale * 1000 * SHAPE, 10.0)


def volume(scale):
    return float(10 * scale * SHAPE.sum())


def peers(count=40, **changes):
    """Hearts of all sizes, each with a volume that follows from it."""
    scales = np.linspace(1, 4, count)
    rows = [row(f"p{i}", volume(scale), 20.0 + i, "FM"[i % 2]) for i, scale in enumerate(scales)]
    slabs = {f"p{i}": heart(scale) for i, scale in enumerate(scales)}
    return replace(Peers("EDV", rows, slabs), **changes)


def test_three_slices_tell_of_hearts_of_which_three_slices_look_like_them():
    found = fall_back(row("x", age=30.0, sex="F"), Slab(2500 * SHAPE[1:4], 10.0), peers(200))
    assert found.name == SLICES
    mean, sd = moments_ml(found.forecast[None])
    assert mean[0] == pytest.approx(volume(2.5), rel=0.06)
    assert sd[0] < 0.2 * volume(2.5)


def test_where_the_slices_stand_is_not_taken_for_known():
    """A small area may be the apex of a large heart: the forecast is wide, and wider than the body's."""
    body, end = (fall_back(row("x"), Slab(2500 * SHAPE[part], 10.0), peers(200)) for part in (slice(1, 4), slice(4, 7)))
    spreads = [float(moments_ml(found.forecast[None])[1][0]) for found in (body, end)]
    assert spreads[1] > spreads[0]


def test_slices_that_missed_the_body_of_the_heart_are_not_used():
    found = fall_back(row("x", age=30.0, sex="F"), Slab(np.array([129.0, 0, 0]), 10.0), peers())
    assert found.name == AGE_SEX


def test_hearts_whose_volume_is_not_known_say_nothing_of_what_is_usual():
    before = peers()
    more = {f"u{i}": Slab(np.full(7, 10.0), 10.0) for i in range(40)}
    after = replace(before, rows=[*before.rows, *map(row, more)], slabs={**before.slabs, **more})
    assert after.least_mm2 == before.least_mm2 > 1000


def test_a_stack_longer_than_all_others_has_no_like():
    assert fall_back(row("x"), Slab(np.full(8, 2000.0), 10.0), peers()).name == COHORT


def test_too_few_complete_hearts_are_no_distribution():
    few = peers(40)
    few = replace(few, slabs={case: slab for case, slab in few.slabs.items() if case in ("p1", "p2", "p3")})
    assert fall_back(row("x"), Slab(2500 * SHAPE[1:4], 10.0), few).name == COHORT


def test_age_and_sex_are_the_next():
    known = [row(f"f{i}", 100 + i, 20 + i, "F") for i in range(60)] + [
        row(f"m{i}", 300 + i, 20 + i, "M") for i in range(60)
    ]
    found = fall_back(row("x", age=50.0, sex="F"), None, Peers("EDV", known, {}))
    assert (found.name, found.learnt_from) == (AGE_SEX, 31)  # of those 15 years away there are two
    np.testing.assert_allclose(found.forecast, lognormal([100.0 + i for i in range(15, 46)]))


@pytest.mark.parametrize(
    ("age", "sex", "expected"),
    [
        (25.0, "F", {"F"}),
        (25.0, "", {"F", "M"}),
        (NAN, "M", {"M"}),
        (NAN, "", set()),
    ],
)
def test_who_is_alike_by_what_is_known(age, sex, expected):
    known = [row(f"{s}{i}", 100.0, 20.0 + i, s) for s in "FM" for i in range(12)] + [row("n", 100.0, NAN, "")]
    found = alike_people(row("x", age=age, sex=sex), known)
    assert {peer.sex for peer in found} == expected


def test_the_cohort_is_the_last_then_all_cohorts_then_ignorance():
    mine = [row(f"a{i}", 100.0 + i) for i in range(6)]
    others = [row(f"b{i}", 300.0 + i, cohort="d") for i in range(3)]
    own = fall_back(row("x"), None, Peers("EDV", [*mine, *others], {}))
    assert (own.name, own.learnt_from) == (COHORT, 6)
    np.testing.assert_allclose(own.forecast, climatology([100.0 + i for i in range(6)]))
    assert fall_back(row("x", cohort="d"), None, Peers("EDV", [*mine, *others], {})).learnt_from == 9
    nothing = fall_back(row("x"), None, Peers("EDV", [row("a")], {}))
    assert (nothing.name, nothing.learnt_from) == (COHORT, 0)
    assert nothing.forecast[299] == pytest.approx(0.5)


@pytest.mark.parametrize("slab", [None, Slab(2500 * SHAPE[1:4], 10.0)])
@pytest.mark.parametrize(("age", "sex"), [(30.0, "F"), (NAN, "")])
def test_no_case_is_its_own_peer_nor_another_study_of_its_patient(slab, age, sex):
    usual = peers()
    mine = row("p7", 590.0, age, sex, patient="anna")
    twin = row("p9", 580.0, age, sex, patient="anna")
    with_them = replace(usual, rows=[*(r for r in usual.rows if r.case not in ("p7", "p9")), mine, twin])
    without = replace(usual, rows=[r for r in usual.rows if r.case not in ("p7", "p9")])
    here, there = (fall_back(mine, slab, some) for some in (with_them, without))
    np.testing.assert_array_equal(here.forecast, there.forecast)
    assert here.learnt_from == there.learnt_from


def test_a_lognormal_has_the_moments_of_the_logarithms():
    random = np.random.default_rng(0)
    made = lognormal(np.exp(np.log(150) + 0.3 * random.standard_normal(20000)).tolist())
    assert FORECAST_ML[np.searchsorted(made, 0.5)] == pytest.approx(150, abs=2)
    assert FORECAST_ML[np.searchsorted(made, 0.841)] == pytest.approx(150 * np.exp(0.3), abs=3)
    assert (np.diff(made) >= 0).all()
    assert made[0] < 1e-6


def test_slices_are_put_in_the_order_of_their_positions():
    slab = slab_of(np.array([3.0, 1, 2]), np.array([20.0, 0, 8]))
    assert slab.areas_mm2.tolist() == [1, 2, 3]
    assert slab.spacing_mm == 10


def test_a_case_is_named_by_the_later_of_its_two():
    assert later([]) == ""
    assert later(["slices", "age_sex"]) == "age_sex"
    assert later(["cohort", "slices"]) == "cohort"
