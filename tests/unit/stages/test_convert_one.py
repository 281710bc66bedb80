"""`lvpipe convert DIR OUT`: one study, for a person who only wants a right NIfTI of its cine."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from exports import HEIGHTS, Series, cut, others, short_axis, write_clutter, write_export

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
        (["nowhere", "out.nii.gz"], "nowhere: is not there; expected the folder of one study"),
        (["empty", "out.nrrd"], "out.nrrd: not a NIfTI's name; expected OUT to end in .nii.gz or .nii"),
        (["empty", "out.nii.gz", "--reader", "foldr"], "--reader foldr: there is none of this name; expected one of: "),
        (["empty", "out.nii.gz", "--options", '{"x": 1}'], "unknown key `x`; known: heart_tilt_degrees"),
        (["empty", "out.nii.gz", "--options", "[1]"], "--options: expected a JSON object"),
        (["empty", "out.nii.gz"], "rejected: no short-axis cine: no DICOM image that says where it lies"),
    ],
)
def test_a_mistake_is_one_line(lvpipe, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "study.zip").write_bytes(b"PK")
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
