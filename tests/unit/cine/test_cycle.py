from dataclasses import replace

import numpy as np
import pytest
from studies import Shot, built, plane, stack, told

ORDER = (3, 1, 7, 0, 2, 6, 4, 5)


def frames_seen(made):
    """Which frame of the world each image shows: the world brightens by 20 a frame."""
    return [[round(float(frame.pixels_yx[0, 0]) / 20) for frame in one.frames] for one in made.slices]


def test_trigger_times_order_frames_whatever_their_numbers(tmp_path):
    shots = stack()
    shots[2].frames = ORDER
    made, ledger = built(tmp_path, shots)
    assert frames_seen(made) == [list(range(8))] * 5
    assert len(told(ledger, "order_by_trigger_time")) == 1


def test_without_trigger_times_numbers_order_frames_and_the_header_gives_the_cycle(tmp_path):
    shots = stack(timed=False, frames=ORDER, numbers=tuple(n + 1 for n in ORDER), tags={"NominalInterval": 720})
    made, ledger = built(tmp_path, shots)
    assert frames_seen(made) == [list(range(8))] * 5
    assert made.times_ms == tuple(90.0 * t for t in range(8))
    assert len(told(ledger, "order_by_number")) == 1
    assert "720 ms (nominal interval)" in told(ledger, "times_from_cycle")[0].what


@pytest.mark.parametrize(
    ("tags", "cycle"), [({"HeartRate": 60}, 1000), ({"RepetitionTime": 100}, 800), ({"RepetitionTime": 3}, 1000)]
)
def test_other_sources_of_the_cycle(tmp_path, tags, cycle):
    made, _ = built(tmp_path, stack(timed=False, tags=tags))
    assert made.times_ms[1] == cycle / 8


def test_times_are_medians_over_slices(tmp_path):
    shots = stack()
    shots[0].timed = False
    made, ledger = built(tmp_path, shots)
    assert made.times_ms == tuple(25.0 + 50 * t for t in range(8))
    assert "1 of 5" in told(ledger, "order_by_number")[0].what


def test_a_hole_at_every_other_frame_is_no_other_pace(tmp_path):
    shots = stack(frames=tuple(range(5)))
    shots[1].frames = (0, 2, 4)
    made, _ = built(tmp_path, shots)
    assert frames_seen(made) == [[0, 2, 4]] * 5


@pytest.mark.parametrize("timed", [True, False])
def test_missing_frames_leave_the_common_ones(tmp_path, timed):
    shots = stack(timed=timed)
    shots[1].frames = (0, 1, 3, 4, 5, 6, 7)
    shots[3].frames = (1, 2, 3, 4, 5, 7)
    for shot in shots:
        shot.numbers = tuple(frame + 1 for frame in shot.frames)
    made, ledger = built(tmp_path, shots)
    assert frames_seen(made) == [[1, 3, 4, 5, 7]] * 5
    assert "5 of 8 frames are in all 5 slices" in told(ledger, "keep_common_frames")[-1].what
    if timed:
        assert made.times_ms == (75, 175, 225, 275, 375)


def test_a_slice_that_shares_too_few_frames_goes(tmp_path):
    shots = stack()
    shots[1].frames = (0, 1, 2, 3, 4)
    shots[3].frames = (3, 4, 5, 6, 7)
    made, _ = built(tmp_path, shots)
    assert len(made.slices) == 4
    assert len(made.times_ms) == 5


def test_a_surplus_frame_is_left_out(tmp_path):
    shots = stack()
    shots[1].frames = tuple(range(9))
    made, _ = built(tmp_path, shots)
    assert frames_seen(made) == [list(range(8))] * 5


def over_the_same_cycle(shot, count):
    """The slice with `count` frames where others have 8: frame numbers are those of the world, at even shares of it."""
    shot.frames = tuple(np.arange(count) * 8 / count)
    return shot


@pytest.mark.parametrize("count", [6, 11, 16])
def test_another_frame_count_over_the_same_cycle_is_carried_in_time(tmp_path, count):
    shots = stack()
    over_the_same_cycle(shots[2], count)
    made, ledger = built(tmp_path, shots)
    assert len(made.times_ms) == 8
    shown = [float(frame.pixels_yx[0, 0]) / 20 for frame in made.slices[2].frames]
    assert shown == pytest.approx(range(8), abs=0.5 * 8 / count + 0.05)
    assert [event.rule for event in ledger.events] == ["match_cycle"]
    found = made.slices[2].found
    assert found.frames_found == count
    assert found.frames_kept == min(count, 8) == len({id(frame) for frame in made.slices[2].frames})


def test_a_slices_own_cycle_tells_that_it_is_whole(tmp_path):
    """The heart beat 10 % slower while this slice was taken: by the usual cycle alone its frames would lack some."""
    shots = stack(tags={"NominalInterval": 400})
    over_the_same_cycle(shots[2], 7).step_ms = 55.0
    shots[2].tags = {"NominalInterval": 440}
    assert [event.rule for event in built(tmp_path / "a", shots)[1].events] == ["match_cycle"]
    shots[2].tags = {"NominalInterval": 503}
    assert "keep_common_frames" in {event.rule for event in built(tmp_path / "b", shots)[1].events}


def test_frames_that_are_left_out_are_named(tmp_path):
    shots = stack()
    shots[1].frames = (0, 1, 3, 4, 5, 6, 7)
    _, ledger = built(tmp_path, shots)
    whole = [one for one in ledger.found if one.frames_found == 8]
    assert [[(step, frame.file.number) for frame, _, step in one.left_out] for one in whole] == [[(2, 3)]] * 4
    assert [(one.frames_found, one.frames_kept) for one in ledger.found if one not in whole] == [(7, 7)]
    assert [(one.fate, one.rules) for one in ledger.found] == [("mended", ["keep_common_frames"])] * 5
    assert [event.position_mm for event in ledger.events] == [round(ledger.found[1].position_mm, 3), None]


def test_a_surplus_frame_is_named(tmp_path):
    shots = stack()
    shots[1].frames = tuple(range(9))
    _, ledger = built(tmp_path, shots)
    (one,) = [one for one in ledger.found if one.left_out]
    assert [(frame.file.number, rule) for frame, rule, _ in one.left_out] == [(9, "keep_common_frames")]


@pytest.mark.parametrize("index", [0, 3, 7])
@pytest.mark.parametrize("wrong", [-5000.0, 9000.0])
def test_one_wrong_trigger_time_is_not_used(index, wrong, tmp_path):
    times = [25.0 + 50 * n for n in range(8)]
    times[index] = wrong
    made, ledger = built(tmp_path, with_times(times))
    assert frames_seen(made) == [list(range(8))] * 5
    in_line = (index, wrong) in {(0, -5000.0), (7, 9000.0)}
    assert [event.rule for event in ledger.events] == ([] if in_line else ["mistrust_time"])


def test_two_wrong_times_or_swapped_numbers_are_no_lone_misfit(tmp_path):
    swapped = [25.0 + 50 * n for n in (0, 1, 3, 2, 4, 5, 6, 7)]
    _, ledger = built(tmp_path / "a", with_times(swapped))
    assert [event.rule for event in ledger.events] == ["order_by_trigger_time"]
    rotated = [25.0 + 50 * n for n in (7, 0, 1, 2, 3, 4, 5, 6)]
    _, ledger = built(tmp_path / "b", with_times(rotated))
    assert [event.rule for event in ledger.events] == ["order_by_trigger_time"]


def with_times(times_ms):
    """A stack whose third slice states these times, whatever its frames show."""
    shots = stack()
    return [*shots[:2], replace(shots[2], times_ms=tuple(times_ms)), *shots[3:]]


def test_single_images_say_nothing_of_the_usual_count(tmp_path):
    strays = [Shot(plane(4.0 * n + 2), series=50 + n, run=f"sax_{50 + n}", frames=(0,)) for n in range(6)]
    made, ledger = built(tmp_path, [*stack(), *strays])
    assert [len(one.frames) for one in made.slices] == [8] * 5
    assert len(told(ledger, "drop_incomplete")) == 6
