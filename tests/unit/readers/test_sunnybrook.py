import subprocess
import sys

import pytest
from test_kaggle import touch

from lvpipe.cases import Labels, SourceCase
from lvpipe.errors import UserError
from lvpipe.readers import sunnybrook

SHEET = "PatientID,OriginalID,Gender,Age,Pathology\nSCD0000101,SC-HF-I-1,Male,53,Heart failure\nSCD0000201,SC-N-2,,,\n"


def test_cases_are_those_with_images_and_contours_go_by_the_canonical_name(tmp_path):
    touch(tmp_path, "SCD_IMAGES/SCD0000101/x", "SCD_IMAGES/SCD0000999/x", "SCD_ManualContours/SC-HF-I-01/x")
    (tmp_path / "scd_patientdata.csv").write_text(SHEET)
    assert sunnybrook.list_cases(tmp_path) == [
        SourceCase("SCD0000101", "SC-HF-I-1", "", ("SCD_IMAGES/SCD0000101", "SCD_ManualContours/SC-HF-I-01")),
        SourceCase("SCD0000999", "SCD0000999", "", ("SCD_IMAGES/SCD0000999",)),
    ]
    assert sunnybrook.list_cases(tmp_path / "nowhere") == []


def test_the_archives_of_the_release_need_not_share_a_folder(tmp_path):
    touch(tmp_path, "SCD_IMAGES_01/SCD0000201/x", "SCD_IMAGES_05/SCD0000101/x", "SCD_ManualContours/SC-HF-I-1/x")
    (tmp_path / "scd_patientdata.csv").write_text(SHEET)
    assert [case.sources for case in sunnybrook.list_cases(tmp_path)] == [
        ("SCD_IMAGES_05/SCD0000101", "SCD_ManualContours/SC-HF-I-1"),
        ("SCD_IMAGES_01/SCD0000201",),
    ]


def test_the_challenge_keeps_all_series_of_a_patient_in_one_folder(tmp_path):
    drawn = "Sunnybrook Cardiac MR Database ContoursPart2/ValidationDataContours/SC-HF-I-05"
    touch(
        tmp_path,
        *(f"challenge_validation/SC-HF-I-5/IM-{series:04d}-0048.dcm" for series in (155, 156, 157)),
        "challenge_training/SC-N-99/IM-0001-0001.dcm",
        f"{drawn}/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt",
    )
    (tmp_path / "scd_patientdata.csv").write_text("PatientID,OriginalID,Gender,Age\nSCD0000501,SC-HF-I-05,Male,50\n")
    five, unknown = sunnybrook.list_cases(tmp_path)
    assert (five.name, five.sources) == ("SC-HF-I-5", ("challenge_validation/SC-HF-I-5", drawn))
    study = sunnybrook.read_study([tmp_path / source for source in five.sources])
    assert [image.path.name for image in study.images] == ["IM-0156-0048.dcm"]
    assert [contour.image for contour in study.contours] == [study.images[0].path]
    assert sunnybrook.read_labels(tmp_path)["SC-HF-I-5"].age_years == 50
    assert sunnybrook.read_study([tmp_path / source for source in unknown.sources]).images == ()


def test_a_sheet_without_its_columns_is_refused(tmp_path):
    touch(tmp_path, "SCD_IMAGES/SCD0000101/x", "SCD_ManualContours/SC-HF-I-1/x")
    (tmp_path / "scd_patientdata.csv").write_text("PatientID\n1\n")
    with pytest.raises(UserError, match="no column OriginalID"):
        sunnybrook.list_cases(tmp_path)
    (tmp_path / "scd_patientdata.csv").write_text(SHEET.replace("53", "old"))
    with pytest.raises(UserError, match="line 2, column Age: 'old'; expected a number"):
        sunnybrook.list_cases(tmp_path)


def test_what_the_sheet_knows(tmp_path):
    (tmp_path / "scd_patientdata.csv").write_text(SHEET.replace("53", "57.0"))
    assert sunnybrook.read_labels(tmp_path) == {"SCD0000101": Labels(None, None, 57.0, "M"), "SCD0000201": Labels()}


def test_contours_belong_to_the_folder_that_has_their_images(tmp_path):
    touch(
        tmp_path,
        *("i/CINESAX_300/IM-0001-0048.dcm", "i/CINESAX_300/IM-0001-0049.dcm", "i/CINESAX_301/IM-0001-0001.dcm"),
        *("i/CINELAX_302/IM-0001-0048.dcm", "i/CINESAX_300/.snakemake_timestamp"),
        "c/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt",
        "c/contours-manual/IRCCI-expert/IM-0001-0048-ocontour-manual.txt",
        "c/contours-manual/IRCCI-expert/IM-0001-0048-p1contour-manual.txt",
    )
    study = sunnybrook.read_study([tmp_path / "i", tmp_path / "c"])
    assert [(image.run, image.acquired, image.number) for image in study.images] == [
        ("CINESAX_300", (300,), 48),
        ("CINESAX_300", (300,), 49),
        ("CINESAX_301", (301,), 1),
    ]
    assert [(c.border, c.image) for c in study.contours] == [
        ("inner", tmp_path / "i/CINESAX_300/IM-0001-0048.dcm"),
        ("outer", tmp_path / "i/CINESAX_300/IM-0001-0048.dcm"),
    ]
    assert study.first_pixel == 0.5


def test_of_two_scans_with_the_same_numbers_the_one_drawn_on_is_the_study(tmp_path):
    touch(
        tmp_path,
        *("i/CINESAX_3/IM-0001-0048.dcm", "i/CINESAX_3/IM-0001-0059.dcm", "i/CINESAX_10/IM-0001-0048.dcm"),
        "c/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt",
        "c/contours-manual/IRCCI-expert/IM-0001-0059-icontour-manual.txt",
    )
    study = sunnybrook.read_study([tmp_path / "i", tmp_path / "c"])
    assert {image.run for image in study.images} == {"CINESAX_3"}
    assert {contour.image.parent.name for contour in study.contours} == {"CINESAX_3"}
    assert [image.run for image in sunnybrook.read_study([tmp_path / "i"]).images] == [
        *("CINESAX_3", "CINESAX_3", "CINESAX_10"),
    ]


def test_the_real_release(sunnybrook_root):
    cases = sunnybrook.list_cases(sunnybrook_root)
    assert [case.name for case in cases][:3] == ["SCD0000101", "SCD0000201", "SCD0000301"]
    assert cases[0].sources == ("SCD_IMAGES/SCD0000101", "SCD_ManualContours/SC-HF-I-1")


@pytest.mark.parametrize("reader", ["kaggle", "sunnybrook", "acdc", "nifti", "lvquan", "la2013", "slices"])
def test_parsing_loads_nothing_heavy(reader):
    code = f"import sys, lvpipe.readers.{reader}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "pydicom", "pydantic", "nibabel"} & set(loaded)
