import pytest
from sources import Heart, write_la2013

from lvpipe.cases import SourceCase
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import UserError
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.reader_options import check_options
from lvpipe.readers import la2013

STATIC = ConvertSettings(frames_min=1, duplicate_within_mm=0.5)  # as recipes/la2013.yaml


def converted(root, case, **options):
    conversion = Conversion(la2013.read_study([root / source for source in case.sources], **options), STATIC)
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


@pytest.mark.parametrize("above", ["", "Task02_Heart/"])
def test_images_and_labels_of_the_decathlon(tmp_path, above):
    write_la2013(tmp_path / above, [3, 4], [1])
    assert la2013.list_cases(tmp_path) == [
        SourceCase("la-003", "la-003", "", (f"{above}imagesTr/la_003.nii.gz", f"{above}labelsTr/la_003.nii.gz")),
        SourceCase("la-004", "la-004", "", (f"{above}imagesTr/la_004.nii.gz", f"{above}labelsTr/la_004.nii.gz")),
        SourceCase("la-001", "la-001", "test", (f"{above}imagesTs/la_001.nii.gz",)),
    ]


def test_a_file_unpacked_into_a_folder_of_its_name_is_found(tmp_path):
    (tmp_path / "imagesTr/la_003.nii").mkdir(parents=True)
    (tmp_path / "imagesTr/la_003.nii/la_003.nii").touch()
    (case,) = la2013.list_cases(tmp_path)
    assert case.sources == ("imagesTr/la_003.nii/la_003.nii",)


def test_a_static_volume_is_one_frame_and_label_1_is_the_cavity(tmp_path):
    write_la2013(tmp_path, [3], [1])
    learnt, tested = la2013.list_cases(tmp_path)
    cine, _, account = converted(tmp_path, learnt)
    assert cine.array_tzyx.shape == (1, 8, 60, 64)
    assert account["slice_spacing_mm"] == pytest.approx(1.37)
    heart = Heart(3, slices=8, frames=1, pixel_mm=1.25, slice_mm=1.37)
    assert account["reference"]["edv_ml"] == pytest.approx(heart.volume_ml(0), abs=1e-3)
    assert account["reference"]["esv_ml"] is None
    assert (converted(tmp_path, tested)[1].array_tzyx == NOT_ANNOTATED).all()


def test_unit_spacing_counts_voxels(tmp_path):
    write_la2013(tmp_path, [3], [])
    (case,) = la2013.list_cases(tmp_path)
    _, reference, account = converted(tmp_path, case, spacing="unit")
    assert account["reference"]["edv_ml"] == pytest.approx((reference.array_tzyx == 1).sum() / 1000)
    with pytest.raises(UserError, match="spacing is 'voxel'; expected header or unit"):
        check_options(la2013, {"spacing": "voxel"}, whole_cohort=True)
