import numpy as np
import pytest

from lvpipe.errors import UserError
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.readers.masks import cases_of, find_table, list_cases, list_tables, read_estimates

SIDES = np.array([[4, 6, 4], [3, 4, 2]])
"""Sides in pixels of the square cavity, frame by slice."""


def beating(cavity=1, muscle=2):
    mask = np.zeros((2, 3, 20, 24), np.uint8)
    mask[:, :, 15:] = muscle
    for (t, z), side in np.ndenumerate(SIDES):
        mask[t, z, 2 : 2 + side, 3 : 3 + side] = cavity
    return mask


def leaning(spacing=(2.0, 1.5, 10.0)):
    """An affine whose slices are shifted against each other: their distance is along the normal."""
    affine = np.diag([*spacing, 1.0])
    affine[0, 2] = 4.0
    return affine


def test_areas_and_positions_come_from_the_affine(tmp_path):
    write_image(tmp_path / "a.nii.gz", Image(beating(), leaning(), 40.0))
    assert [(case.name, case.patient, case.split) for case in list_cases(tmp_path)] == [("a", "a", "")]
    found = dict(read_estimates(tmp_path, ""))["a"]
    np.testing.assert_allclose(found.table.areas_tz_mm2, 3.0 * SIDES**2)
    np.testing.assert_allclose(found.table.positions_mm, [0, 10, 20])
    np.testing.assert_allclose(found.myocardium_tz_mm2, np.full((2, 3), 3.0 * 5 * 24))
    assert found.times_ms == [0, 40]
    assert found.table.thickness_mm == pytest.approx(10)


def test_a_turned_stack_has_the_same_areas(tmp_path):
    angle = np.radians(35)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    write_image(tmp_path / "a.nii.gz", Image(beating(), turn @ leaning(), 0.03))
    found = dict(read_estimates(tmp_path, ""))["a"]
    np.testing.assert_allclose(found.table.areas_tz_mm2, 3.0 * SIDES**2)
    np.testing.assert_allclose(found.table.positions_mm, [0, 10, 20])
    assert found.times_ms is None


@pytest.mark.parametrize(("cavity", "muscle"), [(3, 2), ([3, 4], [2])])
def test_label_values_are_an_option(tmp_path, cavity, muscle):
    write_image(tmp_path / "a.nii.gz", Image(beating(3, 2), leaning()))
    found = dict(read_estimates(tmp_path, "", cavity=cavity, myocardium=muscle))["a"]
    np.testing.assert_allclose(found.table.areas_tz_mm2, 3.0 * SIDES**2)


def test_a_file_a_frame_in_the_order_of_their_numbers(tmp_path):
    for t, number in enumerate((9, 10)):
        write_image(tmp_path / f"pat_frame{number}.nii.gz", Image(beating()[t : t + 1], leaning()))
    files = "{case}_frame{frame}.nii.gz"
    assert [case.name for case in list_cases(tmp_path, files)] == ["pat"]
    found = dict(read_estimates(tmp_path, "", files=files))["pat"]
    np.testing.assert_allclose(found.table.areas_tz_mm2, 3.0 * SIDES**2)


def test_a_folder_a_case_and_a_folder_a_table(tmp_path):
    for table in ("ours", "theirs"):
        write = tmp_path / table / "p1" / "seg_sa.nii.gz"
        write_image(write, Image(beating(), leaning()))
    files = "{case}/seg_sa.nii.gz"
    assert list_tables(tmp_path, files) == ["ours", "theirs"]
    assert [case.name for case in list_cases(tmp_path, files)] == ["p1"]
    assert cases_of(tmp_path, "ours", files) == {"p1"}
    assert find_table(tmp_path, "ours", files) == tmp_path / "ours"
    assert find_table(tmp_path, "ours") is find_table(tmp_path, "others", files) is None
    assert dict(read_estimates(tmp_path, "ours", files=files))["p1"].table is not None


def test_names_from_outside_are_made_safe(tmp_path):
    write_image(tmp_path / "Jane Doe_1.nii.gz", Image(beating(), leaning()))
    (case,) = list_cases(tmp_path)
    assert "_" not in case.name
    assert " " not in case.name
    assert dict(read_estimates(tmp_path, ""))[case.name].table is not None


def test_the_sheet_says_who_is_there(tmp_path):
    write_image(tmp_path / "a.nii.gz", Image(beating(), leaning()))
    write_image(tmp_path / "z.nii.gz", Image(beating(), leaning()))
    (tmp_path / "cases.csv").write_text("case,split\na,train\nb,test\n")
    assert [(case.name, case.split) for case in list_cases(tmp_path)] == [("a", "train"), ("b", "test")]
    found = dict(read_estimates(tmp_path, ""))
    assert set(found) == {"a", "b"}
    assert "no table" in found["b"].reason


def test_a_mask_that_cannot_be_used_is_refused_with_a_reason(tmp_path):
    write_rejected(tmp_path / "empty.nii.gz")
    (tmp_path / "broken.nii.gz").write_bytes(b"\x1f\x8bnothing")
    write_image(tmp_path / "single.nii.gz", Image(beating()[:1], leaning()))
    reasons = {case: found.reason for case, found in read_estimates(tmp_path, "")}
    assert reasons == {
        "broken": "its mask is not a readable NIfTI",
        "empty": "its mask is an empty file",
        "single": "one frame alone: expected a 4D file, or a file a frame (option `files` with {frame})",
    }
    for t, shift in ((0, 0.0), (1, 5.0)):
        affine = leaning()
        affine[0, 3] = shift
        write_image(tmp_path / "split" / f"m_{t}.nii.gz", Image(beating()[t : t + 1], affine))
    found = dict(read_estimates(tmp_path / "split", "", files="{case}_{frame}.nii.gz"))
    assert found["m"].reason == "the masks of its frames differ in size or place"


@pytest.mark.parametrize("files", ["mask.nii.gz", "{name}.nii.gz", "{case}_{phase}.nii.gz"])
def test_a_pattern_without_a_case_is_one_line(tmp_path, files):
    with pytest.raises(UserError, match="files is"):
        list_cases(tmp_path, files)
