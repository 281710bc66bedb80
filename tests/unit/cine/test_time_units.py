import pytest
from studies import built, stack, told

STEPS_MS = tuple(37.5 + 37.9 * frame for frame in range(20))
TWENTY = {"frames": tuple(range(20)), "times_ms": STEPS_MS}


def scaled(shots, scale, which=slice(None)):
    for shot in shots[which]:
        shot.times_ms = tuple(round(time * scale, 6) for time in shot.times_ms)
    return shots


@pytest.mark.parametrize(("scale", "unit"), [(1000.0, "microseconds"), (0.001, "seconds")])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_times_in_another_unit_are_taken_as_such(tmp_path, scale, unit, count):
    made, ledger = built(tmp_path, scaled(stack(**TWENTY), scale, slice(count)))
    assert made.times_ms == pytest.approx(STEPS_MS)
    (event,) = ledger.events
    assert event.rule == "guess_unit"
    assert f"{count} of 5 slices" in event.what
    assert event.what.endswith(unit)
    assert [one.rules for one in ledger.found] == [["guess_unit"]] * count + [[]] * (5 - count)


def test_each_slice_has_its_own_unit(tmp_path):
    shots = scaled(scaled(stack(**TWENTY), 1000.0, slice(0, 2)), 0.001, slice(2, 4))
    made, ledger = built(tmp_path, shots)
    assert made.times_ms == pytest.approx(STEPS_MS)
    assert [event.what.rpartition(" ")[2] for event in told(ledger, "guess_unit")] == ["microseconds", "seconds"]


@pytest.mark.parametrize("scale", [0.1, 10.0, 1e6])
def test_times_of_no_heart_are_not_used(tmp_path, scale):
    made, ledger = built(tmp_path, scaled(stack(**TWENTY), scale))
    assert made.times_ms == tuple(50.0 * frame for frame in range(20))
    assert [event.rule for event in ledger.events] == ["mistrust_time", "order_by_number", "times_from_cycle"]
    assert all(one.rules == ["mistrust_time", "order_by_number"] for one in ledger.found)


def test_where_one_slice_has_impossible_times_the_others_give_the_cycle(tmp_path):
    made, ledger = built(tmp_path, scaled(stack(**TWENTY), 24.0, slice(1)))
    assert made.times_ms == pytest.approx(STEPS_MS)
    assert ledger.found[0].rules == ["mistrust_time", "order_by_number"]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_lost_frames_a_lone_wrong_time_and_repeats_hide_no_unit(tmp_path, scale):
    shots = stack(**TWENTY)
    shots[1].frames, shots[1].times_ms = TWENTY["frames"][:8], STEPS_MS[:8]  # dropped, but not for its times
    shots[2].times_ms = (*STEPS_MS[:4], 9999.0, *STEPS_MS[5:])
    shots[3].frames, shots[3].times_ms = tuple(range(40)), STEPS_MS * 2
    made, ledger = built(tmp_path, scaled(shots, scale))
    assert made.times_ms == pytest.approx(STEPS_MS)
    rules = ["split_repeats", "drop_incomplete", "keep_last_acquired", "note_gaps", "mistrust_time"]
    assert [event.rule for event in ledger.events] == [*(["guess_unit"] if scale != 1 else []), *rules]


@pytest.mark.parametrize("step_ms", [30.0, 300.0])
def test_a_few_frames_may_be_any_part_of_a_cycle(tmp_path, step_ms):
    made, ledger = built(tmp_path, stack(frames=(0, 1, 2), step_ms=step_ms))
    assert made.times_ms[1] - made.times_ms[0] == step_ms
    assert not ledger.events


@pytest.mark.parametrize("cycle_ms", [250.0, 2500.0])
def test_the_slowest_and_fastest_hearts_are_believed(tmp_path, cycle_ms):
    made, ledger = built(tmp_path, stack(frames=tuple(range(20)), step_ms=cycle_ms / 20))
    assert made.times_ms[1] - made.times_ms[0] == pytest.approx(cycle_ms / 20)
    assert not ledger.events
