from dataclasses import replace

import numpy as np
import pytest

from lvpipe.forecasting.readings import Reading, gather
from lvpipe.forecasting.shapes import FEATURES, disagreement, person_of, shape_of
from lvpipe.integration.tables import BEATS, PAIRS
from lvpipe.tables import SheetRow

ED = [1500.0, 2000, 1800, 1200, 400, 0]
ES = [0.0, 900, 800, 500, 60, 0]
POSITIONS = np.arange(0, 60, 10.0)


def reading(ed=ED, es=ES, positions=POSITIONS, muscle: float | None = 700.0) -> Reading:
    rows = [
        dict(zip(PAIRS, map(str, ("a", frame, z, positions[z], area, "", "", muscle or "")), strict=True))
        for frame, areas in ((0, ed), (8, es))
        for z, area in enumerate(areas)
    ]
    beat = dict.fromkeys(BEATS, "") | {"case": "a", "edv_ml": "70", "esv_ml": "25", "ed_frame": "0", "es_frame": "8"}
    return gather([beat | {"frames": "25", "slices": "6", "mended_ml": "0", "mean_filling": "0.5"}], rows)["a"]


def test_a_shape_counts_from_the_base():
    shape = shape_of(reading())
    assert (shape["ed_slices"], shape["es_slices"], shape["base_lost"], shape["apex_lost"]) == (5, 4, 1, 0)
    assert (shape["above_base"], shape["below_apex"], shape["slices"], shape["gap"]) == (0, 1, 6, 10)
    assert [shape[f"ed_{level}"] for level in range(3)] == pytest.approx(np.log(np.array(ED[:3]) / 100 + 2))
    assert [shape[f"own_es_{level}"] for level in range(3)] == pytest.approx(np.log(np.array(ES[1:4]) / 100 + 2))
    assert shape["es_0"] == pytest.approx(np.log(2))
    assert shape["es_after_ed"] == pytest.approx(8 / 25)
    assert shape["ejected"] == pytest.approx(1 - 25 / 70)


def test_it_does_not_matter_which_end_comes_first():
    turned = reading(ED[::-1], ES[::-1])
    assert shape_of(turned) == pytest.approx(shape_of(reading()))
    downward = reading(positions=-POSITIONS)
    assert shape_of(downward) == pytest.approx(shape_of(reading()))


def test_what_was_not_measured_is_not_told():
    assert np.isnan(shape_of(reading(muscle=None))["ed_muscle"])
    told_at_once = replace(reading(), pairs=[])
    assert "slices" not in shape_of(told_at_once)
    assert shape_of(told_at_once)["edv"] == pytest.approx(np.log(75))


def test_slices_in_one_place_are_no_stack():
    assert "slices" not in shape_of(reading(positions=np.zeros(6)))


def test_an_empty_frame_is_a_shape_too():
    shape = shape_of(reading(es=[0.0] * 6))
    assert np.isfinite(list(shape.values())).all()


def test_all_features_are_in_the_list():
    person = person_of(SheetRow("k", "a", "train", "a", 0, 70, 25, 44, "F", "ok", ""))
    told = {**shape_of(reading()), **person, **disagreement({"EDV": [100, 110], "ESV": [50, 50, 80]})}
    assert set(told) == set(FEATURES)


def test_disagreement_is_of_the_leading_two_and_of_all():
    told = disagreement({"EDV": [100.0, 104.0, 150.0], "ESV": [50.0]})
    assert told["edv_apart"] == pytest.approx(np.log(5))
    assert told["edv_spread"] == pytest.approx(np.std([100, 104, 150]) / 118)
    assert "esv_apart" not in told
