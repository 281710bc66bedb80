import pytest
from scipy.io import savemat
from sources import Heart, write_lvquan18, write_lvquan19

from lvpipe.cases import SourceCase
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected, UserError
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.readers import lvquan


def converted(root, case, **options):
    study = lvquan.read_study([root / source for source in case.sources], **(options | case.options))
    conversion = Conversion(study, ConvertSettings(slices_min=1, slices_for_volume=1))  # as recipes/lvquan.yaml
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


def test_2019_has_a_file_a_patient_and_its_test_data_are_split_test(tmp_path):
    write_lvquan19(tmp_path, [2, 1], [1])
    assert lvquan.list_cases(tmp_path) == [
        SourceCase("test-patient1", "test-patient1", "test", ("TestData_LVQuan19/patient1.mat",)),
        SourceCase("patient1", "patient1", "", ("TrainingData_LVQuan19/patient1.mat",)),
        SourceCase("patient2", "patient2", "", ("TrainingData_LVQuan19/patient2.mat",)),
    ]


def test_2018_has_all_subjects_in_one_file(tmp_path):
    write_lvquan18(tmp_path, 3)
    assert lvquan.list_cases(tmp_path) == [
        SourceCase(f"sub-00{n + 1}", f"sub-00{n + 1}", "", ("cardiac-dig.mat",), {"subject": n}) for n in range(3)
    ]


@pytest.mark.parametrize(
    ("write", "number"), [(lambda root: write_lvquan19(root, [1]), 1), (lambda root: write_lvquan18(root, 2), 1)]
)
def test_one_slice_over_a_cycle_with_every_frame_drawn(tmp_path, write, number):
    write(tmp_path)
    heart = Heart(number, slices=1, frames=20)
    cine, reference, account = converted(tmp_path, lvquan.list_cases(tmp_path)[-1])
    assert cine.array_tzyx.shape == (20, 1, 60, 64)
    assert account["spacing_mm"] == [2.0, 2.0]
    assert account["complete"]
    for t in (0, 7, 19):
        assert (reference.array_tzyx[t, 0] == 1).sum() == (heart.labels(t) == 3).sum()
        assert (reference.array_tzyx[t, 0] == 2).sum() == (heart.labels(t) == 2).sum()
    bright = cine.array_tzyx[3][reference.array_tzyx[3] == 1].mean()
    assert bright > 2.5 * cine.array_tzyx[3][reference.array_tzyx[3] == 2].mean()
    assert account["reference"]["edv_ml"] == pytest.approx(heart.volume_ml(0), abs=1e-3)
    thick = converted(tmp_path, lvquan.list_cases(tmp_path)[-1], slice_mm=4.0)[2]
    assert thick["reference"]["edv_ml"] == pytest.approx(heart.volume_ml(0) / 2, abs=1e-3)


def test_a_file_without_masks_is_not_annotated(tmp_path):
    write_lvquan19(tmp_path, [], [1])
    (case,) = lvquan.list_cases(tmp_path)
    assert (converted(tmp_path, case)[1].array_tzyx == NOT_ANNOTATED).all()


def test_a_file_of_the_newest_format_is_refused_with_the_way_out(tmp_path):
    newest = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + bytes(600)
    (tmp_path / "patient1.mat").write_bytes(newest)
    (case,) = lvquan.list_cases(tmp_path)
    conversion = Conversion(lvquan.read_study([tmp_path / case.sources[0]]), ConvertSettings())
    with pytest.raises(Rejected, match="none of 1 files"):
        conversion.images()
    assert "version 7.3 (HDF5); expected version 7" in conversion.account()["events"][0]["what"]
    (tmp_path / "cardiac-dig.mat").write_bytes(newest)
    with pytest.raises(UserError, match=r"cardiac-dig\.mat: a MATLAB file of version 7.3"):
        lvquan.list_cases(tmp_path)


def test_a_damaged_file_of_many_is_one_line(tmp_path):
    path = tmp_path / "cardiac-dig.mat"
    path.write_bytes(b"rubbish")
    with pytest.raises(UserError, match=r"cardiac-dig\.mat: no MATLAB file of version 5 to 7"):
        lvquan.list_cases(tmp_path)
    savemat(path, {"other": [1]})
    with pytest.raises(UserError, match="images_LV is None; expected rows, columns and 20 frames a subject"):
        lvquan.list_cases(tmp_path)
