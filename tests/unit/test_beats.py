import numpy as np
import pytest

from lvpipe.beats import AreaTable, flags_of, measure_beat, read_areas, volume_curve
from lvpipe.config.integrate import IntegrateSettings
from lvpipe.volumes import Beat

AREAS = np.array([[100, 400, 300, 50, 0], [300, 350, 250, 60, 0], [150, 200, 100, 0, 0.0]])
POSITIONS = np.array([0, 10, 20, 30, 40.0])
TABLE = AreaTable(AREAS, POSITIONS, 8.0)


def settings(**changes) -> IntegrateSettings:
    return IntegrateSettings(**{"end_caps": "none", **changes})


def test_the_curve_is_a_volume_a_frame():
    np.testing.assert_allclose(volume_curve(TABLE, settings()), [8.0, 8.1, 3.75])


def test_slice_thickness_may_stand_for_the_distance():
    np.testing.assert_allclose(volume_curve(TABLE, settings(distance="thickness")), np.array([8.0, 8.1, 3.75]) * 0.8)


def test_the_default_puts_half_a_slab_on_each_open_end():
    np.testing.assert_allclose(volume_curve(TABLE, IntegrateSettings()), [8.5, 9.6, 4.5])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("per_volume", (1, 2, 8.1, 3.75)),
        ("summed_area", (1, 2, 8.1, 3.75)),
        ("first_frame", (0, 2, 8.0, 3.75)),
        ("per_slice", (1, 2, 9.1, 3.5)),
    ],
)
def test_a_beat_by_each_rule(rule, expected):
    beat = measure_beat(TABLE, settings(frames=rule, smooth_frames=1))
    assert (beat.ed_frame, beat.es_frame) == expected[:2]
    assert (beat.edv_ml, beat.esv_ml) == pytest.approx(expected[2:])


def test_areas_from_the_rows_of_a_file_in_any_order():
    rows = [
        {
            "frame": str(t),
            "slice": str(z),
            "position_mm": str(POSITIONS[z]),
            "cavity_mm2": str(area),
            "cavity_sd_mm2": "",
        }
        for (t, z), area in np.ndenumerate(AREAS)
    ]
    table = read_areas(rows[::-1], 8.0)
    np.testing.assert_array_equal(table.areas_tz_mm2, AREAS)
    np.testing.assert_array_equal(table.positions_mm, POSITIONS)


def test_flags():
    assert flags_of(Beat(0, 1, 100, 50), 5) == []
    assert flags_of(Beat(0, 1, 0, 0), 5) == ["empty"]
    assert flags_of(Beat(0, 1, float("nan"), 0), 4) == ["empty", "few-slices"]


@pytest.mark.parametrize(("rule", "expected"), [("per_volume", (0.4, 0.4)), ("per_slice", (0.4, 0.3))])
def test_a_beat_has_the_spread_of_the_slices_that_it_counts(rule, expected):
    sds = np.zeros_like(AREAS)
    sds[:, 2] = 40, 40, 40
    sds[2, 2] = 40 if rule == "per_volume" else 30
    beat = measure_beat(AreaTable(AREAS, POSITIONS, 8.0, sds), settings(frames=rule, smooth_frames=1))
    assert (beat.edv_sd_ml, beat.esv_sd_ml) == pytest.approx(expected)
