"""Nothing of a header but age and sex passes `convert`, whatever the state of the files."""

import random
import subprocess
import sys

import pydicom
import pytest
from marked import write_marked
from mutations import FILES
from planting import MARK, leaks, plant
from studies import stack

from lvpipe.config.convert import ConvertSettings


@pytest.fixture
def planted(tmp_path):
    """A study of marked files under the names that its layout has."""
    files = write_marked(tmp_path / "source" / "7", stack((0, 8, 16, 24, 32)))
    for number, path in enumerate(files):
        dataset = pydicom.dcmread(path)
        plant(dataset, number + 1000)
        dataset.save_as(path)
    return tmp_path


def convert(folder, name="out"):
    """By the command line; all that it says and writes lies in one folder."""
    out = folder / name
    out.mkdir()
    words = ["case", "--reader", "kaggle", "--case", "7", "--cohort", "some", "--sources", folder / "source" / "7"]
    words += ["--cine", out / "c.nii.gz", "--reference", out / "r.nii.gz", "--ledger", out / "c.json"]
    words += ["--settings", ConvertSettings().canonical()]
    with (out / "log").open("wb") as log:
        command = [sys.executable, "-m", "lvpipe", "convert", *map(str, words)]
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, (out / "log").read_text()
    return out


def test_the_search_finds_what_was_planted(planted):
    assert len(leaks(planted / "source")) > 40
    header = pydicom.dcmread(next((planted / "source").rglob("*.dcm")), stop_before_pixels=True)
    assert sum(MARK in str(element.value) for element in header) > 500


def test_a_whole_study_leaks_nothing(planted):
    out = convert(planted)
    assert (out / "c.nii.gz").stat().st_size > 0
    assert leaks(out) == []


def test_damaged_files_leak_nothing(planted):
    """What a parser says of a broken field quotes it."""
    rng = random.Random(4)
    kinds = ("bytes flipped in the header", "truncated", "noise over the header", "another format")
    files = sorted((planted / "source").rglob("*.dcm"))
    for path, kind in zip(files[::2], kinds * len(files), strict=False):
        path.write_bytes(FILES[kind](path.read_bytes(), rng))
    assert leaks(convert(planted)) == []


def test_fields_of_words_where_numbers_belong_leak_nothing(planted):
    numbers = ("TriggerTime", "InstanceNumber", "PixelSpacing", "ImagePositionPatient", "SliceThickness", "PatientAge")
    files = sorted((planted / "source").rglob("*.dcm"))
    for path, keyword in zip(files[:12], numbers * 2, strict=True):
        content = path.read_bytes()
        dataset = pydicom.dcmread(path)
        value = dataset[keyword]
        stored = str(dataset.get_item(keyword).value if isinstance(value.value, str) else value.value)
        element = pydicom.dataelem.RawDataElement(value.tag, "LO", 0, f"{MARK}77".encode(), 0, False, True)
        dataset._dict[value.tag] = element
        dataset.save_as(path)
        assert path.read_bytes() != content, stored
    assert leaks(convert(planted)) == []
