from dataclasses import replace

import numpy as np
import pytest
from studies import NORMAL, Shot, X, Y, built, plane, stack, told

from lvpipe.completeness import usual_spacing_mm
from lvpipe.geometry import unit


def heights(made):
    return np.rint(np.array(made.positions_mm) - made.positions_mm[0]).tolist()


def test_of_duplicates_the_last_acquired_stays(tmp_path):
    shots = [*stack(), Shot(plane(9), series=90, run="sax_0"), Shot(plane(16), series=3, version=2, run="sax_3")]
    made, ledger = built(tmp_path, shots)
    assert heights(made) == [0, 9, 16, 24, 32]
    assert [one.acquired[:2] for one in made.slices] == [(1, 0), (90, 0), (3, 2), (4, 0), (5, 0)]
    assert len(told(ledger, "keep_last_acquired")) == 2


def test_a_broken_repeat_does_not_replace_a_whole_slice(tmp_path):
    made, ledger = built(tmp_path, [*stack(), Shot(plane(8), series=90, run="sax_9", frames=(0, 1, 2))])
    assert [one.acquired[0] for one in made.slices] == [1, 2, 3, 4, 5]
    assert len(told(ledger, "drop_incomplete")) == 1


def test_tilted_slices_go_and_slightly_tilted_stay(tmp_path):
    def tilted(degrees):
        return plane(16, x=unit(X + np.tan(np.radians(degrees)) * NORMAL), y=Y)

    shots = stack()
    assert len(built(tmp_path / "a", [*shots[:2], replace(shots[2], plane=tilted(3)), *shots[3:]])[0].slices) == 5
    made, ledger = built(tmp_path / "b", [*shots[:2], replace(shots[2], plane=tilted(8)), *shots[3:]])
    assert len(made.slices) == 4
    assert len(told(ledger, "drop_other_planes")) == 1
    assert told(ledger, "note_gaps")[0].what.startswith("1 missing")


def test_a_slice_of_another_scale_goes_and_one_of_twice_the_matrix_stays(tmp_path):
    shots = stack()
    finer = replace(shots[2], plane=plane(16, spacing=(0.75, 0.75), shape=(80, 96)))
    assert len(built(tmp_path / "a", [*shots[:2], finer, *shots[3:]])[0].slices) == 5
    damaged = replace(shots[2], plane=plane(16, spacing=(1.5, 0.02)))
    made, ledger = built(tmp_path / "b", [*shots[:2], damaged, *shots[3:]])
    assert heights(made) == [0, 8, 24, 32]
    assert told(ledger, "drop_other_scales")[0].what == "pixels of 1.5 x 0.02 mm where 1.5 x 1.5 are usual, dropped"


def test_a_stray_slice_does_not_tie_an_outlying_one_to_the_stack(tmp_path):
    made, ledger = built(tmp_path, stack((-30, -5, 0, 10, 20, 30, 40, 50, 60)))
    assert heights(made) == [0, 10, 20, 30, 40, 50, 60]
    assert len(told(ledger, "drop_outlying")) == 1


def test_in_between_slices_go_but_an_irregular_stack_stays(tmp_path):
    made, ledger = built(tmp_path / "a", stack((0, 8, 12, 16, 24, 32)))
    assert heights(made) == [0, 8, 16, 24, 32]
    assert len(told(ledger, "drop_between")) == 1
    assert heights(built(tmp_path / "c", stack((0, 10, 20, 22.3, 30, 40)))[0]) == [0, 10, 20, 30, 40]
    made, ledger = built(tmp_path / "b", stack((0, 8, 16, 27, 35, 43)))
    assert len(made.slices) == 6
    assert "all are kept" in told(ledger, "drop_between")[0].what


@pytest.mark.parametrize("stray", [-13, 43])
def test_a_stray_slice_at_an_end_goes(tmp_path, stray):
    made, ledger = built(tmp_path, stack((0, 8, 16, 24, 32, stray)))
    assert heights(made) == [0, 8, 16, 24, 32]
    (event,) = ledger.events
    (dropped,) = [one for one in ledger.found if one.dropped]
    assert (event.rule, event.position_mm) == ("drop_stray_end", pytest.approx(dropped.position_mm, abs=1e-3))
    assert f"{11 if stray > 0 else 13}.0 mm beyond the last where 8.0 are usual" in event.what


def long_axis(turn_degrees, **changes):
    turn = np.radians(turn_degrees)
    return plane(0, x=np.cos(turn) * X + np.sin(turn) * Y, y=NORMAL, **changes)


def test_of_two_orientations_that_are_equally_frequent_the_stack_wins(tmp_path):
    again = [Shot(long_axis(30), series=n, run=f"sax_{n}") for n in range(20, 25)]
    for shots in ([*stack(), *again], [*again, *stack()]):
        made, ledger = built(tmp_path, shots)
        assert heights(made) == [0, 8, 16, 24, 32]
        assert len(told(ledger, "drop_other_planes")) == 5
    many = [Shot(long_axis(30), series=n, run=f"sax_{n}") for n in range(20, 28)]
    assert heights(built(tmp_path / "b", [*stack(), *many])[0]) == [0, 8, 16, 24, 32]


def test_of_two_stacks_the_short_axis_wins_and_localisers_have_no_vote(tmp_path):
    across = [
        Shot(replace(long_axis(0), origin_mm=tuple(np.array(long_axis(0).origin_mm) + 8 * n * Y)), series=20 + n,
             run=f"sax_{20 + n}")
        for n in range(5)
    ]  # fmt: skip
    assert heights(built(tmp_path / "a", [*across, *stack()])[0]) == [0, 8, 16, 24, 32]
    stills = [
        Shot(replace(long_axis(0), origin_mm=tuple(np.array(long_axis(0).origin_mm) + 8 * n * Y)), series=20 + n,
             run=f"sax_{20 + n}", frames=(0,))
        for n in range(12)
    ]  # fmt: skip
    assert heights(built(tmp_path / "b", [*stills, *stack()])[0]) == [0, 8, 16, 24, 32]


def test_the_order_of_files_does_not_matter(tmp_path):
    shots = stack()
    for n, shot in enumerate(shots):
        shot.series, shot.run = 9 - n, f"sax_{9 - n}"
    made, ledger = built(tmp_path, shots)
    assert heights(made) == [0, 8, 16, 24, 32]
    assert not ledger.events


@pytest.mark.parametrize(("gap", "kept"), [(1.9, 5), (2.1, 6)])
def test_slices_are_duplicates_below_two_millimetres(tmp_path, gap, kept):
    made, ledger = built(tmp_path, stack((0, 8, 16, 24, 32, 32 + gap)), grid_slices_share_required=1.0)
    assert len(made.slices) == kept
    assert len(told(ledger, "keep_last_acquired")) == 6 - kept


def test_every_image_is_in_one_found_slice(tmp_path):
    shots = [*stack(), Shot(plane(9), series=90, run="sax_0"), Shot(plane(20), series=3, run="sax_20", frames=(0, 1))]
    shots += [Shot(plane(70), series=4, run="sax_21"), Shot(long_axis(3), series=5, run="sax_22")]
    made, ledger = built(tmp_path, shots)
    numbers = [(frame.file.path) for one in ledger.found for frame in one.frames]
    assert len(numbers) == len(set(numbers)) == sum(len(shot.frames) for shot in shots)
    assert {id(one.found) for one in made.slices} == {id(one) for one in ledger.found if not one.dropped}
    assert sum(one.frames_kept for one in ledger.found) == sum(len(one.frames) for one in made.slices)


def test_outlying_slices_go_and_gaps_stay(tmp_path):
    made, ledger = built(tmp_path, stack((-70, 0, 8, 24, 32, 40)))
    assert heights(made) == [0, 8, 24, 32, 40]
    assert (len(told(ledger, "drop_outlying")), len(told(ledger, "note_gaps"))) == (1, 1)


def test_three_slices_far_apart_are_a_stack(tmp_path):
    made, _ = built(tmp_path, stack((0, 34, 70)))
    assert heights(made) == [0, 34, 70]


def test_a_concatenated_folder_is_split_by_position(tmp_path):
    shots = [replace(shot, run="sax_1", series=7, first=1 + 8 * n) for n, shot in enumerate(stack())]
    made, ledger = built(tmp_path, shots)
    assert heights(made) == [0, 8, 16, 24, 32]
    assert "40 images at 5 positions" in told(ledger, "split_by_position")[0].what
    assert not built(tmp_path / "b", shots, slice_per_run=False)[1].events


@pytest.mark.parametrize("timed", [True, False])
def test_repeats_in_one_place_are_split_and_the_last_stays(tmp_path, timed):
    shots = stack()
    shots.append(replace(shots[1], first=9))
    made, ledger = built(tmp_path, [replace(shot, timed=timed) for shot in shots])
    assert [len(one.frames) for one in made.slices] == [8] * 5
    assert [frame.file.number for frame in made.slices[1].frames] == list(range(9, 17))
    assert len(told(ledger, "split_repeats")) == 1
    assert len(told(ledger, "keep_last_acquired")) == 1


def test_the_usual_spacing():
    assert usual_spacing_mm(np.array([0, 10, 20, 25, 30, 40.0])) == 10
    assert usual_spacing_mm(np.array([0, 5, 10, 20.0])) == 5
    assert usual_spacing_mm(np.array([0, 34, 70.0])) is None
    assert usual_spacing_mm(np.array([0.0])) is None
