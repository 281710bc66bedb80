from dataclasses import replace

import numpy as np
import pytest
from studies import NORMAL, Shot, X, Y, plane, stack, write_shots

from lvpipe.completeness import usual_spacing_mm
from lvpipe.config.convert import ConvertSettings
from lvpipe.decoders.dicom import read_frames
from lvpipe.geometry import unit
from lvpipe.ledger import Ledger
from lvpipe.stack import build_stack
from lvpipe.study import Content


def built(tmp_path, shots, slice_per_run=True, **settings):
    study = write_shots(tmp_path, shots, slice_per_run)
    frames = [frame for file in study.images for frame in read_frames(file, lambda p: Content(p.read_bytes(), "00"))]
    ledger = Ledger()
    return build_stack(frames, slice_per_run, ConvertSettings(**settings), ledger), ledger


def told(ledger, rule):
    return [event for event in ledger.events if event.rule == rule]


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


def test_in_between_slices_go_but_an_irregular_stack_stays(tmp_path):
    made, ledger = built(tmp_path / "a", stack((0, 8, 12, 16, 24, 32)))
    assert heights(made) == [0, 8, 16, 24, 32]
    assert len(told(ledger, "drop_between")) == 1
    assert heights(built(tmp_path / "c", stack((0, 10, 20, 22.3, 30, 40)))[0]) == [0, 10, 20, 30, 40]
    made, ledger = built(tmp_path / "b", stack((0, 8, 16, 27, 35, 43)))
    assert len(made.slices) == 6
    assert "all are kept" in told(ledger, "drop_between")[0].what


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
