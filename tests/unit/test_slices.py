import pytest
from studies import stack
from test_stack import built, told

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
