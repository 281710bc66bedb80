import csv

import numpy as np
import pytest
from sources import Heart, write_slices
from test_kaggle import touch

from lvpipe.cases import Labels, SourceCase
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import UserError
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.readers import slices, sunnybrook


def converted(root, case, **options):
    study = slices.read_study([root / source for source in case.sources], **(options | case.options))
    conversion = Conversion(study, ConvertSettings())
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


def test_cases_are_the_folders_with_pictures(tmp_path):
    touch(tmp_path, "SC-N-02/slice01_frame07.png", "empty/notes.txt", ".cache/slice01_frame07.png")
    assert slices.list_cases(tmp_path) == [SourceCase("SC-N-02", "SC-N-2", "", ("SC-N-02",))]


def test_what_is_not_there_is_blank_and_not_annotated(tmp_path):
    write_slices(tmp_path, [1])
    (case,) = slices.list_cases(tmp_path)
    heart = Heart(1)
    cine, reference, account = converted(tmp_path, case)
    assert cine.array_tzyx.shape == (2, 5, 60, 64)
    drawn = (reference.array_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    assert drawn.tolist() == [[True] * 5, [True] * 4 + [False]]
    assert not cine.array_tzyx[1, 4].any()
    for t, frame in enumerate(heart.ed_es):
        for z in np.flatnonzero(drawn[t]):
            np.testing.assert_array_equal(reference.array_tzyx[t, z] == 1, heart.labels(frame)[:, :, z].T == 3)
    assert account["events"][0] == {
        "rule": "blank_missing_frames",
        "position_mm": None,
        "what": "1 images that are not there are blank",
    }
    area_mm2 = (heart.labels(0) == 3).sum() * 1.37**2
    assert account["reference"]["edv_ml"] == pytest.approx(area_mm2 * 8 / 1000, abs=1e-3)
    twice = converted(tmp_path, case, pixel_mm=2.74, slice_mm=4.0)[2]
    assert twice["reference"]["edv_ml"] == pytest.approx(area_mm2 * 4 * 4 / 1000, abs=1e-3)


def test_only_the_two_frames_of_the_sheet_count(tmp_path):
    write_slices(tmp_path, [1])
    (tmp_path / "SC-PH-01/slice01_frame03.png").write_bytes((tmp_path / "SC-PH-01/slice01_frame00.png").read_bytes())
    (case,) = slices.list_cases(tmp_path)
    assert case.options == {"frames": [0, 4]}
    assert converted(tmp_path, case)[0].array_tzyx.shape[0] == 2
    (tmp_path / "cases.csv").unlink()
    (case,) = slices.list_cases(tmp_path)
    assert converted(tmp_path, case)[0].array_tzyx.shape[0] == 3


def test_what_the_sheet_knows(tmp_path):
    write_slices(tmp_path, [7])
    assert slices.read_labels(tmp_path) == {"SC-PH-07": Labels(None, None, 47.0, "F")}


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("SC-N-02,M,40,x,1", "line 2, column ed_frame: 'x'; expected a whole number"),
        ("SC-N-02,M,old,1,2", "line 2, column age_years: 'old'; expected a number"),
    ],
)
def test_a_mistake_in_the_sheet_is_one_line(tmp_path, row, cause):
    touch(tmp_path, "SC-N-02/slice01_frame07.png")
    (tmp_path / "cases.csv").write_text(f"case,sex,age_years,ed_frame,es_frame\n{row}\n")
    with pytest.raises(UserError, match=cause):
        slices.list_cases(tmp_path)
    (tmp_path / "cases.csv").write_text("patient\n1\n")
    with pytest.raises(UserError, match="no column case"):
        slices.list_cases(tmp_path)


def test_the_486_drawn_slices_of_28_real_patients(sunnybrook_root):
    root = sunnybrook_root / "slices"
    wanted = {row["case"]: int(row["images"]) for row in csv.DictReader((root / "cases.csv").open())}
    drawn = {}
    for case in slices.list_cases(root):
        cine, reference, account = converted(root, case)
        assert cine.array_tzyx.shape[0] == 2
        drawn[case.name] = int((reference.array_tzyx != NOT_ANNOTATED).any(axis=(2, 3)).sum())
        cavity_mm2 = (reference.array_tzyx[account["reference"]["ed_frame"]] == 1).sum(axis=(1, 2))
        assert cavity_mm2[0] > cavity_mm2[-1]  # from base to apex
    assert drawn == wanted
    assert sum(drawn.values()) == 486


def test_a_patient_has_one_name_in_the_cine_and_in_the_pictures(sunnybrook_root):
    cines = {case.patient for case in sunnybrook.list_cases(sunnybrook_root)}
    pictures = {case.patient for case in slices.list_cases(sunnybrook_root / "slices")}
    assert cines == {"SC-HF-I-1", "SC-HF-I-2", "SC-HF-I-4"}
    assert cines < pictures


def test_of_masks_with_their_outlines_half_a_pixel_is_taken_off(tmp_path):
    write_slices(tmp_path, [1])
    (case,) = slices.list_cases(tmp_path)
    (_, whole, _), (_, less, _) = (converted(tmp_path, case, outlined=outlined) for outlined in (False, True))
    np.testing.assert_array_equal(less.array_tzyx == NOT_ANNOTATED, whole.array_tzyx == NOT_ANNOTATED)
    assert not ((less.array_tzyx == 1) & (whole.array_tzyx != 1)).any()
    assert 0.7 < (less.array_tzyx == 1).sum() / (whole.array_tzyx == 1).sum() < 0.98
