import numpy as np
import pytest

from lvpipe.beats import AreaTable
from lvpipe.config.integrate import IntegrateSettings, MendSettings
from lvpipe.integration.hearts import measure
from lvpipe.integration.mending import fill_frames, fill_slices, mend, smoothed

POSITIONS = np.arange(0, 60, 10.0)
STACK = np.array([[400.0, 900, 1000, 800, 500, 100]])


def test_a_hole_between_slices_is_put_on_the_line_between_its_neighbours():
    holed = STACK.copy()
    holed[0, 2:4] = 20, 0
    expected = STACK.copy()
    expected[0, 2:4] = 900 - 400 / 3, 900 - 800 / 3
    np.testing.assert_allclose(fill_slices(holed, POSITIONS, 0.6), expected)


def test_slices_out_of_order_are_filled_by_position():
    order = np.array([3, 0, 5, 2, 4, 1])
    holed = STACK.copy()
    holed[0, 2] = 0
    mended = fill_slices(holed[:, order], POSITIONS[order], 0.6)
    np.testing.assert_allclose(mended, fill_slices(holed, POSITIONS, 0.6)[:, order])


def test_base_and_apex_are_no_holes():
    np.testing.assert_array_equal(fill_slices(STACK, POSITIONS, 0.6), STACK)
    empty_ends = np.pad(STACK, ((0, 0), (1, 1)))
    np.testing.assert_array_equal(fill_slices(empty_ends, np.arange(8), 0.6), empty_ends)


def test_a_frame_that_was_lost_is_the_mean_of_its_neighbours_in_a_closed_cycle():
    curve = np.array([[0.0], [900], [500], [600], [1000]])
    np.testing.assert_array_equal(fill_frames(curve, 0.6)[:, 0], [950, 900, 500, 600, 1000])


def test_a_heart_that_contracts_stays():
    beat = (700 + 300 * np.cos(np.linspace(0, 2 * np.pi, 25, endpoint=False)))[:, None] * STACK / 1000
    table = AreaTable(beat, POSITIONS, 8.0)
    np.testing.assert_array_equal(mend(table, MendSettings(hole_share=0.6)).table.areas_tz_mm2, beat)
    np.testing.assert_allclose(smoothed(beat).sum(axis=0), beat.sum(axis=0))


def test_nothing_is_mended_unasked():
    holed = np.where(STACK == 1000, 0, STACK)
    assert mend(AreaTable(holed, POSITIONS, 8.0), MendSettings()).table.areas_tz_mm2.tolist() == holed.tolist()


def test_what_was_mended_is_counted():
    frames = np.repeat(STACK, 3, axis=0) * [[1.0], [0.8], [0.6]]
    frames[0, 2] = 0
    settings = IntegrateSettings(mend=MendSettings(hole_share=0.6), end_caps="none")
    heart = measure(AreaTable(frames, POSITIONS, 8.0), None, settings)
    assert heart.mended_slices == 1
    # In time the hole lies between 800 and 600 mm2; 10 mm hang on it.
    assert heart.mended_ml == pytest.approx(7.0)
    assert heart.beat.edv_ml == pytest.approx((400 / 2 + 900 + 700 + 800 + 500 + 100 / 2) / 100)


def test_how_full_a_heart_is_on_average():
    frames = np.repeat(STACK, 4, axis=0) * [[1.0], [0.8], [0.6], [0.9]]
    heart = measure(AreaTable(frames, POSITIONS, 8.0), None, IntegrateSettings())
    assert heart.mean_filling == pytest.approx((1 + 0.5 + 0 + 0.75) / 4)
    still = measure(AreaTable(STACK, POSITIONS, 8.0), None, IntegrateSettings())
    assert np.isnan(still.mean_filling)
