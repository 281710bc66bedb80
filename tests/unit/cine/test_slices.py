from dataclasses import replace

import numpy as np
import pytest
from studies import CENTRE, NORMAL, Shot, X, Y, built, plane, stack, told

from lvpipe.geometry import corner_distance_mm, unit


def with_one_frame_elsewhere(other):
    """A stack whose third slice has its first frame in another plane, under the number that it should have."""
    shots = stack()
    third = shots[2]
    lone = replace(third, plane=other, frames=(0,), first=1)
    return [*shots[:2], lone, replace(third, frames=tuple(range(1, 8)), first=2), *shots[3:]]


MOVED = {
    "along the axis": plane(22),
    "in plane": plane(16, shift=(2.0, 0.0)),
    "in spacing alone": replace(plane(16), spacing_yx_mm=(1.5, 1.6)),
    "tilted about its corner": replace(plane(16), x_axis=tuple(unit(X + 0.02 * NORMAL))),
    "another way round": plane(16, x=-X, y=-Y),
}


@pytest.mark.parametrize("how", MOVED)
def test_a_frame_that_lies_elsewhere_is_not_of_the_slice(tmp_path, how):
    made, ledger = built(tmp_path, with_one_frame_elsewhere(MOVED[how]))
    assert corner_distance_mm(made.slices[2].plane, plane(16)) < 1e-3
    assert [len(one.frames) for one in made.slices] == [7] * 5
    (lone,) = [one for one in ledger.found if one.dropped]
    assert lone.frames_found == 1
    assert sum(one.frames_found for one in ledger.found) == 40
    assert len(told(ledger, "split_by_position")) == 1


def test_a_slice_lies_where_most_of_its_frames_do(tmp_path):
    made, ledger = built(tmp_path, with_one_frame_elsewhere(plane(16, shift=(0.3, 0.0))))
    assert corner_distance_mm(made.slices[2].plane, plane(16)) < 1e-3
    assert [len(one.frames) for one in made.slices] == [8] * 5
    assert "1 of 8 frames lie up to 0.30 mm" in told(ledger, "settle_frames")[0].what
    assert made.slices[2].found.fate == "mended"


def test_a_slice_without_a_position_is_placed_by_its_location(tmp_path):
    shots = [
        replace(shot, tags={"ImagePositionPatient": None, "SliceLocation": 8.0 * n}) for n, shot in enumerate(stack())
    ]
    made, ledger = built(tmp_path, shots)
    assert len(made.slices) == 5
    assert all(one.found.mended == ["place_by_slice_location"] for one in made.slices)
    assert "40 images" in told(ledger, "place_by_slice_location")[0].what


def test_the_middle_of_a_tilted_slice_is_where_it_lies(tmp_path):
    """Its corners are 1.5 mm higher and lower; the heart is in the middle."""
    tilted = plane(16, x=unit(X + np.tan(np.radians(2.5)) * NORMAL))
    shots = stack()
    made, _ = built(tmp_path, [*shots[:2], replace(shots[2], plane=tilted), *shots[3:]])
    assert made.positions_mm[2] - made.positions_mm[0] == pytest.approx(16, abs=1e-3)
    assert made.slices[2].found.tilt_degrees == pytest.approx(2.5, abs=0.01)
    assert pytest.approx(made.positions_mm[0], abs=1e-3) == -CENTRE @ NORMAL


def test_one_run_may_hold_two_acquisitions(tmp_path):
    shots = stack()
    _, ledger = built(tmp_path, [*shots, Shot(plane(8), series=9, run="sax_2")])
    assert len(ledger.found) == 6


def located(locations, heights=(0, 8, 16, 24, 32), **changes):
    """A stack whose headers have these locations."""
    shots = stack(heights, **changes)
    return [
        shot if location is None else replace(shot, tags={"SliceLocation": location})
        for shot, location in zip(shots, locations, strict=True)
    ]


IN_LINE = {
    "along the normal": [0, 8, 16, 24, 32],
    "another sign and zero": [50, 42, 34, 26, 18],
    "along an axis of the body": [0.8 * height for height in (0, 8, 16, 24, 32)],
    "along another": [-0.6 * height for height in (0, 8, 16, 24, 32)],
    "rounded": [0.04, 7.97, 16, 24.03, 31.98],
    "of three slices": [0, None, 16, None, 32],
    "of two slices alone": [0, 99, None, None, None],
    "of none": [None] * 5,
}
AGAINST = {
    "rescaled": [0, 5, 10, 15, 20],
    "another order": [0, 16, 8, 24, 32],
    "all the same": [7] * 5,
    "one that is off": [0, 8, 18, 24, 32],
    "a little longer": [0, 8, 16, 24, 32.2],
    "of three slices": [0, None, 8, None, 32],
}


@pytest.mark.parametrize("how", IN_LINE)
def test_a_location_that_is_in_line_is_no_event(tmp_path, how):
    _, ledger = built(tmp_path, located(IN_LINE[how]))
    assert ledger.events == []


@pytest.mark.parametrize("how", AGAINST)
def test_a_location_that_is_not_in_line_is_one_event_and_changes_nothing(tmp_path, how):
    made, ledger = built(tmp_path, located(AGAINST[how]))
    assert [event.rule for event in ledger.events] == ["check_slice_location"]
    assert "positions 32.00 mm" in ledger.events[0].what
    assert made.positions_mm == pytest.approx(
        [made.positions_mm[0] + height for height in (0, 8, 16, 24, 32)], abs=1e-3
    )
    assert {one.fate for one in ledger.found} == {"kept"}


def test_locations_are_of_the_slices_that_stay(tmp_path):
    """A repeat and a stray view lie elsewhere: what is in the cine is what is compared."""
    stray = replace(stack((0,))[0], plane=plane(0, x=NORMAL, y=Y), run="sax_9", series=9, tags={"SliceLocation": 500})
    _, ledger = built(tmp_path, [*located(IN_LINE["along the normal"]), stray])
    assert told(ledger, "drop_other_planes")
    assert not told(ledger, "check_slice_location")
