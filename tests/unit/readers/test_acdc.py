import pytest
from sources import Heart, oblique, write_acdc, write_nifti
from test_kaggle import touch

from lvpipe.cases import SourceCase
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.readers import acdc


def converted(folder):
    conversion = Conversion(acdc.read_study([folder]), ConvertSettings())
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


def rules(account):
    return [event["rule"] for event in account["events"]]


@pytest.mark.parametrize("above", ["", "database/"])
def test_splits_are_those_of_the_folders_in_both_orders_of_the_release(tmp_path, above):
    touch(tmp_path, *(f"{above}{name}" for name in ("training/patient002/x", "training/patient001/x", "training/a.md")))
    touch(tmp_path, f"{above}testing/patient101/x", f"{above}MANDATORY_CITATION.md")
    assert acdc.list_cases(tmp_path) == [
        SourceCase("patient001", "patient001", "train", (f"{above}training/patient001",)),
        SourceCase("patient002", "patient002", "train", (f"{above}training/patient002",)),
        SourceCase("patient101", "patient101", "test", (f"{above}testing/patient101",)),
    ]


def test_frames_count_from_1_and_labels_are_ours(tmp_path):
    write_acdc(tmp_path, {"training": [1]})
    heart = Heart(1)
    cine, reference, account = converted(tmp_path / "training/patient001")
    assert account["events"] == []
    assert cine.array_tzyx.shape == (8, 5, 60, 64)
    drawn = [t for t in range(8) if (reference.array_tzyx[t] != NOT_ANNOTATED).any()]
    assert drawn == [0, 4]
    for t in drawn:
        for ours, theirs in ((1, 3), (2, 2), (0, 0)):
            wanted = (heart.labels(t) == theirs).sum() + (ours == 0) * (heart.labels(t) == 1).sum()
            assert (reference.array_tzyx[t] == ours).sum() == wanted
        assert cine.array_tzyx[t][reference.array_tzyx[t] == 1].mean() == pytest.approx(450, abs=5)
    assert account["reference"]["edv_ml"] == pytest.approx(heart.volume_ml(0), abs=1e-3)
    assert account["reference"]["esv_ml"] == pytest.approx(heart.volume_ml(4), abs=1e-3)
    assert account["times_ms"][1] == 125


def test_without_a_4d_file_the_cine_is_ed_and_es_and_the_ledger_says_so(tmp_path):
    write_acdc(tmp_path, {"training": [1]}, cine=False)
    cine, reference, account = converted(tmp_path / "training/patient001")
    assert cine.array_tzyx.shape[0] == 2
    assert (reference.array_tzyx != NOT_ANNOTATED).all()
    assert rules(account)[0] == "cine_of_single_frames"
    assert "[1, 5]" in account["events"][0]["what"]
    assert account["reference"]["esv_ml"] == pytest.approx(Heart(1).volume_ml(4), abs=1e-3)


def test_files_unpacked_into_folders_of_their_names_are_found(tmp_path):
    write_acdc(tmp_path, {"training": [1]})
    folder = tmp_path / "training/patient001"
    for path in list(folder.glob("*.nii.gz")):
        inside = folder / path.name.removesuffix(".gz")
        inside.mkdir()
        path.rename(inside / path.name)
    cine, reference, account = converted(folder)
    assert (cine.array_tzyx.shape[0], account["reference"]["ed_frame"]) == (8, 0)
    assert (reference.array_tzyx[4] != NOT_ANNOTATED).all()


def test_another_frame_drawn_than_info_says_is_noted(tmp_path):
    write_acdc(tmp_path, {"training": [1]})
    folder = tmp_path / "training/patient001"
    (folder / "Info.cfg").write_text("ED: 1\nES: 7\nGroup: NOR\n")
    _, _, account = converted(folder)
    assert rules(account) == ["check_ed_es"]
    assert "[1, 7], drawn are frames [1, 5]" in account["events"][0]["what"]


def test_labels_of_a_frame_that_the_cine_does_not_have_are_dropped(tmp_path):
    write_acdc(tmp_path, {"training": [1]})
    folder = tmp_path / "training/patient001"
    write_nifti(folder / "patient001_frame99_gt.nii.gz", Heart(1).labels(0), oblique(flip=(-1, -1, 1)))
    _, _, account = converted(folder)
    assert rules(account) == ["check_ed_es", "drop_labels"]
