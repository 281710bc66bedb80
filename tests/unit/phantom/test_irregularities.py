import numpy as np
import pytest

from lvpipe.config.phantom import Irregularities, PhantomCohort, PhantomOrder
from lvpipe.phantom.case import build_case

KINDS = sorted(Irregularities.model_fields)


def build(*kinds, **changes):
    rates = {kind: float(kind in kinds) for kind in KINDS}
    settings = {"layout": "kaggle", "cases": {"train": 1}, "matrix": (96, 96), "irregularities": rates}
    return build_case("k", "1", PhantomOrder(seed=3, cohort=PhantomCohort(**{**settings, **changes})))


def folder(case, kind):
    (planted,) = [one for one in case.planted if one.kind == kind]
    (taken,) = [one for one in case.acquisitions if one.folder == planted.folder]
    return taken


REGULAR = build()
PLANE = REGULAR.slices[0].plane


def heights(takens):
    return [float(taken.plane.position_mm @ PLANE.normal) for taken in takens]


def test_none_is_planted_at_rate_zero():
    assert REGULAR.planted == ()
    np.testing.assert_allclose(np.diff(np.diff(heights(REGULAR.slices))), 0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_planted_at_rate_one(kind):
    assert [planted.kind for planted in build(kind).planted] == [kind]


def test_the_last_of_two_at_one_position_is_the_good_one():
    case = build("duplicate_position")
    failed = folder(case, "duplicate_position")
    (good,) = [one for one in case.slices if np.allclose(one.plane.position_mm, failed.plane.position_mm)]
    assert good.series > failed.series
    assert failed.noise_factor > good.noise_factor


def test_rotated_grids_and_headers_agree():
    plane = folder(build("rotated"), "rotated").plane
    assert plane.along_row == pytest.approx(PLANE.along_column)
    assert (plane.rows, plane.columns) == (PLANE.columns, PLANE.rows)


def test_other_grids_keep_the_middle():
    for kind in ("other_matrix", "other_spacing"):
        plane = folder(build(kind), kind).plane
        assert (plane.rows, plane.columns, plane.pixel_mm) != (PLANE.rows, PLANE.columns, PLANE.pixel_mm)


def test_strays_lie_where_they_should():
    regular = heights(REGULAR.slices)
    spacing = abs(regular[1] - regular[0])
    (between,) = heights([folder(build("in_between"), "in_between")])
    assert np.min(np.abs(np.array(regular) - between)) == pytest.approx(spacing / 2)
    (outlying,) = heights([folder(build("outlying_position"), "outlying_position")])
    assert np.min(np.abs(np.array(regular) - outlying)) > 45
    plane = folder(build("other_orientation"), "other_orientation").plane
    assert abs(plane.normal @ PLANE.normal) < 0.01


def test_slices_and_frames_go_missing():
    count = len(REGULAR.slices)
    assert len(build("missing_slices").slices) == count - 1
    assert len(build("three_slices").slices) == 3
    frames = folder(build("missing_frames"), "missing_frames").frames
    assert len(REGULAR.slices[0].frames) - 3 <= len(frames) < len(REGULAR.slices[0].frames)


def test_numbers_may_not_follow_time_but_then_times_are_there():
    frames = folder(build("out_of_order"), "out_of_order").frames
    assert frames != tuple(sorted(frames)) == REGULAR.slices[0].frames
    both = build("out_of_order", "absent_trigger_times")
    assert [planted.kind for planted in both.planted] == ["absent_trigger_times"]
    assert not both.trigger_times


def test_a_stray_end_lies_beyond_the_apex_off_the_regular_positions():
    regular = heights(REGULAR.slices)
    spacing = regular[-1] - regular[-2]
    (stray,) = heights([folder(build("stray_end"), "stray_end")])
    assert 1.3 < (stray - regular[-1]) / spacing < 1.7


def test_a_concatenated_folder_numbers_on_from_slice_to_slice():
    case, frames = build("concatenated"), len(REGULAR.slices[0].frames)
    assert {taken.folder for taken in case.slices} == {case.planted[0].folder}
    assert [taken.first_number for taken in case.slices] == [1 + frames * n for n in range(len(case.slices))]
    assert heights(case.slices) == heights(REGULAR.slices)
    first, other = (case.image(taken)[:, :6, :6] for taken in case.slices[:2])
    assert (first != other).any()


def test_a_large_matrix_keeps_the_field_of_view_and_special_spacing_does_not():
    for taken in build("large_matrix").slices:
        assert max(taken.plane.rows, taken.plane.columns) > 256
        assert taken.plane.rows * taken.plane.pixel_mm == pytest.approx(PLANE.rows * PLANE.pixel_mm, rel=0.02)
    for taken in build("special_spacing").slices:
        assert taken.plane.rows == PLANE.rows
        assert round(taken.plane.pixel_mm / PLANE.pixel_mm, 2) in {0.7, 1.5}


def test_another_frame_count_spans_the_same_cycle():
    taken, usual = folder(build("other_frame_count"), "other_frame_count"), len(REGULAR.slices[0].frames)
    assert len(taken.frames) == round(usual * 5 / 6)
    moments = [taken.moment(index, usual) for index in range(len(taken.frames))]
    assert np.diff(moments) == pytest.approx(1 / len(taken.frames))
    true = [(frame + 0.5) / usual for frame in taken.frames]
    assert moments == pytest.approx(true, abs=0.5 / usual)


def test_new_kinds_leave_the_draws_of_others_alone():
    rates = dict.fromkeys(KINDS, 0.5)
    later = {"stray_end", "concatenated", "large_matrix", "special_spacing", "other_frame_count"}
    cohorts = [{**rates, **dict.fromkeys(later, rate)} for rate in (0.0, 1.0)]
    for seed in range(20):
        drawn = [
            {one.kind for one in build_case("k", "1", PhantomOrder(seed=seed, cohort=PhantomCohort(
                layout="kaggle", cases={"train": 1}, matrix=(96, 96), irregularities=cohort))).planted} - later
            for cohort in cohorts
        ]  # fmt: skip
        assert drawn[0] == drawn[1]


def test_all_at_once_still_makes_a_study():
    case = build(*KINDS)
    assert len(case.slices) >= 3
    assert len({(taken.folder, taken.first_number) for taken in case.acquisitions}) == len(case.acquisitions)


def test_sunnybrook_stays_regular():
    case = build_case("s", "SCD9000101", PhantomOrder(seed=3, cohort=PhantomCohort(
        layout="sunnybrook", cases={"all": 1}, irregularities=dict.fromkeys(KINDS, 1.0))))  # fmt: skip
    assert [planted.kind for planted in case.planted] == ["absent_trigger_times"]
