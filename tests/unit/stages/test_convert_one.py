"""`lvpipe convert DIR OUT`: one study, for a person who only wants a right NIfTI of its cine."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from exports import HEIGHTS, Series, cut, others, short_axis, write_clutter, write_export
from sources import (
    Heart,
    oblique,
    write_acdc,
    write_la2013,
    write_lvquan18,
    write_lvquan19,
    write_nifti,
    write_nifti_cohort,
    write_slices,
)

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.images import read_image
from lvpipe.readers import folder


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    root = tmp_path_factory.mktemp("Secret^Person") / "Secret"
    made = write_export(root, [*others(), *short_axis(), Series(40, [cut(16)])])
    write_clutter(root)
    return root, made


def test_one_line_one_cine_one_ledger(lvpipe, export, tmp_path, capsys):
    root, _ = export
    assert lvpipe("convert", root, tmp_path / "new" / "out.nii.gz") == 0
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert told.startswith("out.nii.gz: 10 slices x 12 frames, 3.00 x 3.00 x 8.00 mm, 60.0 ms a frame; events: ")
    for words in ("1 keep_last_acquired", "also seen: ", "2 long-axis cine", "1 flow measurement", "ledger out.json"):
        assert words in told
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["out.json", "out.nii.gz"]
    cine = read_image(tmp_path / "new" / "out.nii.gz")
    expected, _ = Conversion(folder.read_study([root]), ConvertSettings()).images()
    np.testing.assert_array_equal(cine.array_tzyx, expected.array_tzyx)
    np.testing.assert_allclose(cine.affine, expected.affine, atol=1e-4)
    assert cine.time_step_ms == 60
    account = json.loads((tmp_path / "new" / "out.json").read_text())
    assert (account["status"], account["reader"], len(account["seen"])) == ("ok", "folder", 15)
    assert "Secret" not in told + (tmp_path / "new" / "out.json").read_text()


def test_a_cine_without_gzip_is_the_same(lvpipe, export, tmp_path):
    root, _ = export
    assert lvpipe("convert", root, tmp_path / "a.nii", "--ledger", tmp_path / "b" / "told.json") == 0
    assert lvpipe("convert", root, tmp_path / "a.nii.gz") == 0
    assert (tmp_path / "a.nii").read_bytes()[344:348] == b"n+1\0"
    plain, zipped = read_image(tmp_path / "a.nii"), read_image(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(plain.array_tzyx, zipped.array_tzyx)
    assert (tmp_path / "b" / "told.json").read_bytes() == (tmp_path / "a.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.nii", "a.nii.gz", "b"]


def test_a_folder_of_one_series_and_another_reader(lvpipe, tmp_path, sunnybrook_root, capsys):
    source = sunnybrook_root / "SCD_IMAGES" / "SCD0000201"
    assert lvpipe("convert", source / "CINESAX_300", tmp_path / "series.nii.gz") == 0
    assert lvpipe("convert", source, tmp_path / "reader.nii.gz", "--reader", "sunnybrook") == 0
    assert (tmp_path / "series.nii.gz").read_bytes() == (tmp_path / "reader.nii.gz").read_bytes()
    assert "13 slices x 20 frames, 1.37 x 1.37 x 10.00 mm, 34.9 ms a frame; ledger" in capsys.readouterr().out


ONE_SLICE = ("--settings", '{"slices_min": 1}')


def told_of(lvpipe, capsys, *words):
    """What one line says of a study that went well."""
    assert lvpipe("convert", *words) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    return told


@pytest.mark.parametrize("named", [(), ("--reader", "nifti")])
@pytest.mark.parametrize("name", ["x.nii.gz", "x.nii"])
def test_a_file_of_its_own_needs_no_folder(lvpipe, tmp_path, capsys, name, named):
    heart = Heart()
    source = write_nifti(tmp_path / "in" / name, heart.cine(), oblique(), 125)
    told = told_of(lvpipe, capsys, source, tmp_path / "out.nii.gz", *named)
    assert told.startswith("out.nii.gz: 5 slices x 8 frames, 2.00 x 2.00 x 8.00 mm, 125.0 ms a frame")
    assert json.loads((tmp_path / "out.json").read_text())["reader"] == "nifti"


def test_a_cine_of_one_frame_is_told_without_a_time_step(lvpipe, tmp_path, capsys):
    write_la2013(tmp_path / "in", [3], [])
    settings = '{"frames_min": 1, "duplicate_within_mm": 0.5}'
    words = (tmp_path / "in", tmp_path / "out.nii.gz", "--reader", "la2013", "--settings", settings)
    assert "out.nii.gz: 8 slices x 1 frame, 1.25 x 1.25 x 1.37 mm; " in told_of(lvpipe, capsys, *words)


def test_a_listing_of_one_case_gives_its_files_and_options(lvpipe, tmp_path, capsys):
    write_nifti_cohort(tmp_path / "in", [2])
    told = told_of(lvpipe, capsys, tmp_path / "in", tmp_path / "out.nii.gz", "--reader", "nifti")
    assert "5 slices x 8 frames" in told
    options = json.loads((tmp_path / "out.json").read_text())["options"]
    assert options == {"frames": list(range(1, 9)), "label_frames": [1, 5]}


@pytest.mark.parametrize("below", ["", "training/patient001"])
def test_acdc_by_its_root_or_by_the_patient(lvpipe, tmp_path, capsys, below):
    write_acdc(tmp_path / "in", {"training": [1]})
    words = (tmp_path / "in" / below, tmp_path / "out.nii.gz", "--reader", "acdc")
    assert "5 slices x 8 frames" in told_of(lvpipe, capsys, *words)


@pytest.mark.parametrize("below", ["", "SC-PH-01"])
def test_slices_by_their_root_or_by_the_case(lvpipe, tmp_path, capsys, below):
    write_slices(tmp_path / "in", [1])
    words = (tmp_path / "in" / below, tmp_path / "out.nii.gz", "--reader", "slices", "--options", '{"pixel_mm": 2}')
    assert "5 slices x 2 frames, 2.00 x 2.00 x 8.00 mm" in told_of(lvpipe, capsys, *words)


@pytest.mark.parametrize("below", ["", "TrainingData_LVQuan19/patient2.mat"])
def test_lvquan_by_its_folder_or_by_the_file(lvpipe, tmp_path, capsys, below):
    write_lvquan19(tmp_path / "in", [2])
    words = (tmp_path / "in" / below, tmp_path / "out.nii.gz", "--reader", "lvquan", *ONE_SLICE)
    assert "1 slices x 20 frames, 2.00 x 2.00 x 8.00 mm" in told_of(lvpipe, capsys, *words)


def test_a_file_of_many_subjects_needs_the_number_of_one(lvpipe, tmp_path, capsys):
    write_lvquan18(tmp_path, 2)
    words = (tmp_path / "cardiac-dig.mat", tmp_path / "out.nii.gz", *ONE_SLICE)
    assert lvpipe("convert", *words) == 1
    assert "cardiac-dig.mat: holds many subjects; expected the option subject" in capsys.readouterr().err
    assert "1 slices x 20 frames" in told_of(lvpipe, capsys, *words, "--options", '{"subject": 1}')


def test_several_cases_are_for_the_workflow(lvpipe, tmp_path, capsys):
    write_acdc(tmp_path / "in", {"training": range(1, 8)}, cine=False)
    assert lvpipe("convert", tmp_path / "in", tmp_path / "out.nii.gz", "--reader", "acdc") == 1
    told = capsys.readouterr().err
    assert "holds 7 cases (patient001, patient002, patient003, patient004, patient005, ...); expected one" in told
    assert "give them to the workflow as a cohort" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(("settings", "status"), [({}, 0), ({"slices_min": 50}, 1)])
def test_a_picture_where_one_is_asked_for_rejected_or_not(lvpipe, export, tmp_path, settings, status):
    words = (export[0], tmp_path / "out.nii.gz", "--picture", tmp_path / "a" / "found.png")
    assert lvpipe("convert", *words, "--settings", json.dumps(settings)) == status
    assert (tmp_path / "a" / "found.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_rejected_study_is_one_line_and_leaves_no_cine(lvpipe, tmp_path, capsys):
    write_export(tmp_path / "case", [one for one in others() if one.number != 56])
    (tmp_path / "out.nii.gz").write_bytes(b"of an earlier study")
    assert lvpipe("convert", tmp_path / "case", tmp_path / "out.nii.gz") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("lvpipe convert: rejected: no short-axis cine: 2 x ")
    assert "out.json has the details; out.nii.gz was not written" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case", "out.json"]
    account = json.loads((tmp_path / "out.json").read_text())
    assert account["status"] == "rejected"
    assert account["reason"] in said.err


def test_options_and_settings_are_heard(lvpipe, tmp_path, capsys):
    write_export(tmp_path / "case", short_axis(heights=HEIGHTS[:4]))
    tilted = ("--options", '{"heart_tilt_degrees": 1}')
    assert lvpipe("convert", tmp_path / "case", tmp_path / "out.nii.gz", *tilted) == 1
    strict = ("--settings", ConvertSettings(slices_min=5).canonical())
    assert lvpipe("convert", tmp_path / "case", tmp_path / "out.nii.gz", *strict) == 1
    assert "4 usable slices; expected at least 5" in capsys.readouterr().err
    assert lvpipe("convert", tmp_path / "case", tmp_path / "out.nii.gz", "--settings", '{"slices_min": 4}') == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["study.zip", "out.nii.gz"], "study.zip: is an archive; expected a folder: unpack it first"),
        (["nowhere", "out.nii.gz"], "nowhere: is not there; expected the folder or file of one study"),
        (["empty", "out.nrrd"], "out.nrrd: not a NIfTI's name; expected OUT to end in .nii.gz or .nii"),
        (["x.tar.gz", "out.nii.gz"], "x.tar.gz: is an archive"),
        (["x.png", "out.nii.gz", "--reader", "slices"], "x.png: is a file; the reader slices expects the folder of"),
        (["empty", "out.nii.gz", "--reader", "foldr"], "--reader: reader foldr is not there; known: acdc, "),
        (["empty", "out.nii.gz", "--reader", "areas"], "--reader areas: brings estimates, no images"),
        (["empty", "out.nii.gz", "--options", '{"heart_tilt_degrees": "x"}'], "--options: heart_tilt_degrees is 'x'"),
        (["empty", "out.nii.gz", "--options", '{"x": 1}'], "unknown key `x`; known: heart_tilt_degrees"),
        (["empty", "out.nii.gz"], "rejected: no short-axis cine: no DICOM image that says where it lies"),
    ],
)
def test_a_mistake_is_one_line(lvpipe, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "study.zip").write_bytes(b"PK")
    for name in ("x.tar.gz", "x.png"):
        (tmp_path / name).touch()
    assert lvpipe("convert", *words) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path, export):
    root, _ = export
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "lvpipe", "convert", str(root), str(tmp_path / "file" / "out.nii.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_help_tells_of_both_uses(lvpipe, capsys):
    with pytest.raises(SystemExit, match="0"):
        lvpipe("convert", "--help")
    told = capsys.readouterr().out
    assert "lvpipe convert DIR OUT.nii.gz" in told
    assert "lvpipe convert case --help" in told


def test_no_source_is_ever_written_over(lvpipe, tmp_path, capsys):
    """The file that is read and the one to be written may be the same by mistake, or by another way to it."""
    source = tmp_path / "study.nii.gz"
    write_nifti(source, Heart(1).cine(), oblique(), 40.0)
    kept = source.read_bytes()
    (tmp_path / "link").symlink_to(tmp_path)
    for words in (
        (source, source),
        (source, tmp_path / "link" / source.name),
        (source, tmp_path / "a.nii", "--ledger", source),
        (source, tmp_path / "a.nii", "--picture", source),
    ):
        assert lvpipe("convert", *words) == 1
        assert "study.nii.gz: is one of the files that are read" in capsys.readouterr().err
        assert source.read_bytes() == kept


def test_no_output_is_written_over_another(lvpipe, tmp_path, capsys):
    source = tmp_path / "study.nii.gz"
    write_nifti(source, Heart(1).cine(), oblique(), 40.0)
    assert lvpipe("convert", source, tmp_path / "a.nii", "--ledger", tmp_path / "a.nii") == 1
    assert "a.nii: OUT, --ledger and --picture name it twice" in capsys.readouterr().err
    assert not (tmp_path / "a.nii").exists()


@pytest.mark.parametrize("options", ["[1]", "{pixel_mm: 1}", "1"])
def test_options_that_are_no_json_object_are_shown_with_an_example(lvpipe, capsys, options):
    with pytest.raises(SystemExit):
        lvpipe("convert", "any", "out.nii.gz", "--options", options)
    assert f"argument --options: '{options}' is no JSON object; expected such as" in capsys.readouterr().err
