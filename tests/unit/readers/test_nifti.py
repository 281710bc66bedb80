import numpy as np
import pytest
from sources import Heart, oblique, write_nifti, write_nifti_cohort
from test_kaggle import touch

from lvpipe.cases import Labels, SourceCase
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import UserError
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.readers import nifti


def converted(root, case, **options):
    study = nifti.read_study([root / source for source in case.sources], **(options | case.options))
    conversion = Conversion(study, ConvertSettings())
    cine, reference = conversion.images()
    return cine, reference, conversion.account()


def sheet(root, *rows, columns="case,image,labels"):
    root.mkdir(exist_ok=True)
    (root / "cases.csv").write_text("\n".join([columns, *rows]) + "\n")
    return root


def test_without_a_sheet_every_file_is_a_case(tmp_path):
    touch(tmp_path, "b.nii.gz", "a.nii", "deep/c d.nii.gz", "._b.nii.gz", "notes.txt")
    listed = nifti.list_cases(tmp_path)
    assert [(case.name, case.sources) for case in listed][:2] == [("a", ("a.nii",)), ("b", ("b.nii.gz",))]
    assert listed[2].name.startswith("deep-c-d-")
    assert nifti.read_labels(tmp_path) == {}


@pytest.mark.parametrize("number", [1, 2])
def test_a_4d_file_and_a_file_a_frame_are_the_same_cine(tmp_path, number):
    write_nifti_cohort(tmp_path, [1, 2])
    heart, case = Heart(number), nifti.list_cases(tmp_path)[number - 1]
    cine, reference, account = converted(tmp_path, case)
    assert cine.array_tzyx.shape == (8, 5, 60, 64)
    for t in (0, 3, 7):
        assert np.sort(cine.array_tzyx[t], axis=None).tolist() == np.sort(heart.image(t), axis=None).tolist()
    assert [t for t in range(8) if (reference.array_tzyx[t] != NOT_ANNOTATED).any()] == [0, 4]
    assert account["reference"]["edv_ml"] == pytest.approx(heart.volume_ml(0), abs=1e-3)
    assert account["reference"]["esv_ml"] == pytest.approx(heart.volume_ml(4), abs=1e-3)


def test_what_the_sheet_knows(tmp_path):
    write_nifti_cohort(tmp_path, [1])
    (case,) = nifti.list_cases(tmp_path)
    assert (case.name, case.patient) == ("scan-1-9c41e8", "person-1-9e6f4b")
    assert nifti.read_labels(tmp_path) == {case.name: Labels(43.6, 18.6, 51.0, "F")}


def test_one_file_of_labels_may_have_all_frames(tmp_path):
    labels = np.zeros((64, 60, 5, 8), np.uint8)
    labels[..., 3] = Heart().labels(3)
    write_nifti(tmp_path / "cine9.nii.gz", Heart().cine(), oblique(), 100)
    write_nifti(tmp_path / "drawn9.nii.gz", labels, oblique())
    (case,) = nifti.list_cases(sheet(tmp_path, "9,cine9.nii.gz,drawn9.nii.gz"))
    assert case.options == {"label_frames": [None]}
    _, reference, _ = converted(tmp_path, case, cavity=3)
    assert [t for t in range(8) if (reference.array_tzyx[t] != NOT_ANNOTATED).any()] == [3]


def test_values_of_labels_and_the_number_of_the_first_frame_are_options(tmp_path):
    write_nifti(tmp_path / "cine.nii.gz", Heart().cine(), oblique(), 100)
    write_nifti(tmp_path / "a.nii.gz", Heart().labels(3), oblique())
    (case,) = nifti.list_cases(sheet(tmp_path, "9,cine.nii.gz,a.nii.gz,3", columns="case,image,labels,label_frames"))
    _, reference, _ = converted(tmp_path, case, cavity=3, myocardium=None, first_frame=0)
    assert np.bincount(reference.array_tzyx[3].ravel()).tolist() == [
        (Heart().labels(3) != 3).sum(),
        (Heart().labels(3) == 3).sum(),
    ]
    _, reference, _ = converted(tmp_path, case, cavity=3)
    assert (reference.array_tzyx[2] == 2).sum() == (Heart().labels(3) == 2).sum()


def test_frames_are_ordered_by_number_not_by_name(tmp_path):
    for t in range(8):
        write_nifti(tmp_path / f"t{t * 5}.nii.gz", Heart().image(t), oblique())
    (case,) = nifti.list_cases(sheet(tmp_path, "9,t*.nii.gz,"))
    cine, _, _ = converted(tmp_path, case)
    for t in range(8):
        assert np.sort(cine.array_tzyx[t], axis=None).tolist() == np.sort(Heart().image(t), axis=None).tolist()


@pytest.mark.parametrize(
    ("columns", "row", "place", "expected"),
    [
        ("image", "a1.nii", "", "no column case; expected case, image and any of labels"),
        ("case,image,colour", "x,a1.nii,red", "", "an unknown column 'colour'"),
        ("case,image", ",a1.nii", "line 2, column case: a blank cell", "a name"),
        ("case,image", "x,", "line 2, column image: a blank cell", "a NIfTI file"),
        ("case,image", "x,b.nii", "line 2, column image: 'b.nii'", "that are there"),
        ("case,image", "x,notes.txt", "line 2, column image: 'notes.txt'", ".nii or .nii.gz"),
        ("case,image", "x,../a1.nii", "line 2, column image: '../a1.nii'", "paths below"),
        ("case,image", "x,/etc/*.nii", "line 2, column image: '/etc/*.nii'", "paths below"),
        ("case,image", "x,a1.nii;a1.nii", "line 2, column image", "each file once"),
        ("case,image", "x,a1.nii;again1.nii", "line 2, column image", "a number of its own"),
        ("case,image", "x,none.nii;a1.nii", "line 2, column image", "a number of its own"),
        (
            "case,image,labels",
            "x,a1.nii;a2.nii,l3.nii",
            "line 2, column labels",
            "the frames that the images have, [1, 2]",
        ),
        (
            "case,image,labels",
            "x,a1.nii,l3.nii;l4.nii",
            "line 2, column labels",
            "such as frame07; or give label_frames",
        ),
        ("case,image,labels,label_frames", "x,a1.nii,l3.nii,1;2", "line 2, column label_frames", "1 whole numbers"),
        ("case,image,split", "x,a1.nii,training", "column split: 'training'", "train, validate, test or nothing"),
        ("case,image,edv_ml", "x,a1.nii,many", "column edv_ml: 'many'", "a number of mL"),
        ("case,image", "x,a1.nii\nx,a2.nii", "line 3, column case: 'x'", "each name once; line 2 has it too"),
        ("case,image", "x,a1.nii,a2.nii", "line 2: more cells than the 2 columns", "quote what has commas"),
    ],
)
def test_a_mistake_in_the_sheet_is_one_line(tmp_path, columns, row, place, expected):
    touch(tmp_path, "a1.nii", "again1.nii", "a2.nii", "none.nii", "l3.nii", "l4.nii", "notes.txt")
    sheet(tmp_path, row, columns=columns)
    with pytest.raises(UserError) as caught:
        nifti.list_cases(tmp_path)
    text = str(caught.value)
    assert str(tmp_path / "cases.csv") in text
    assert place in text
    assert expected in text
    assert "\n" not in text


def test_a_case_of_a_sheet_may_be_known_by_its_image_alone(tmp_path):
    touch(tmp_path, "a1.nii")
    assert nifti.list_cases(sheet(tmp_path, "x,a1.nii", columns="case,image")) == [
        SourceCase("x", "x", "", ("a1.nii",))
    ]
