"""The whole chain, for real."""

import csv
import gzip
import os
import struct
import sys
import zipfile
from pathlib import Path

import pydicom
import pytest

from .conftest import Workflow

TARGETS = ("crps.csv", "dice.csv", "segmentation.csv", "cases.csv", "score/unet/slices.png", "report/index.html")
PERSONAL = (  # DICOM keywords whose values may not be met past `convert`
    *("PatientName", "PatientID", "PatientBirthDate", "PatientAddress", "OtherPatientIDs"),
    *("InstitutionName", "InstitutionAddress", "StationName", "ReferringPhysicianName", "OperatorsName"),
    *("AccessionNumber", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"),
)
SHORTEST = 7  # letters; shorter values are met by chance
HEADER = 352  # bytes of a NIfTI before its voxels


def test_the_copy_of_the_package_is_the_one_that_runs(finished):
    words = ["python", "-c", "import lvpipe, sys; sys.exit(lvpipe.__file__)"]
    assert str(finished.repository) in finished.run(words).text


def test_with_a_deployment_method_its_own_python_runs_the_checkouts_package(finished, tmp_path, monkeypatch):
    # Environment modules stand for conda, which is not to be had here: like it, they come before the shell's prefix.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$PYTHONPATH" > "{tmp_path}/path"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    workflow = Workflow(finished.repository, tmp_path)
    answer = workflow.snakemake("--sdm", "env-modules", targets=("results/phantom/volumes/train.csv",))
    assert answer.code == 0, answer.text
    assert (tmp_path / "path").read_text().strip() == str(finished.repository)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_there(finished, target):
    assert (finished.folder / "results" / target).stat().st_size > 0


def test_every_case_has_a_forecast_and_a_row(finished):
    rows = list(csv.DictReader((finished.folder / "results" / "cases.csv").open()))
    assert len(rows) == 3 * 12  # models and cases
    assert all(float(row["edv_mean_ml"]) > 0 for row in rows)


def test_crps_has_the_model_its_step_and_climatology(finished):
    rows = list(csv.DictReader((finished.folder / "results" / "crps.csv").open()))
    models = ("unet", "hfcn", "hfcn-areas")
    assert {row["model"] for row in rows} == {*models, *(f"step:{model}" for model in models), "climatology"}


def test_there_is_nothing_to_do_afterwards(finished):
    assert finished.would_run() == {}


def test_snakemakes_own_report_can_be_packed(finished, tmp_path):
    answer = finished.snakemake("--report", str(tmp_path / "report.zip"))
    assert answer.code == 0, answer.text
    packed = zipfile.ZipFile(tmp_path / "report.zip").namelist()
    assert {"crps.csv", "dice.csv", "segmentation.csv", "cases.csv", "index.html", "slices.png", "curve.svg"} <= {
        Path(name).name for name in packed
    }


def test_no_scratch_file_stays(finished):
    results = finished.folder / "results"
    assert not [path for path in results.rglob(".*") if path.name != ".snakemake_timestamp"]
    assert not (finished.folder / ".spool").exists() or not list((finished.folder / ".spool").rglob("*.gz"))


def test_nothing_personal_passes_convert(finished):
    results, logs = finished.folder / "results", finished.folder / "logs"
    personal = personal_values(results / "phantom", {folder.name for folder in (results / "convert").iterdir()})
    assert len(personal) > 100, "the phantom should carry names, dates and UIDs that can be missed"
    made = [path for root in (results, logs) for path in root.rglob("*") if path.is_file()]
    past = [path for path in made if "phantom" not in path.relative_to(finished.folder).parts[:2]]
    contents = {path: content(path) for path in past}
    assert not {path.name: value for path, text in contents.items() for value in personal if value in text}
    assert not [path for path in past for value in personal if value.decode() in str(path)]


def personal_values(phantom, converted):
    """What the synthetic files say of their patients, but for the public pseudonyms that are the cases' names."""
    values = set()
    for run in {path.parent for path in phantom.rglob("*.dcm")}:
        header = pydicom.dcmread(min(run.glob("*.dcm")), stop_before_pixels=True)
        values |= {str(header[name].value) for name in PERSONAL if name in header}
    names = {name.partition("_")[0] for name in converted}
    return {value.encode() for value in values if len(value) >= SHORTEST and value not in names}


def content(path):
    """All of a file that can hold words: of an image its header, which must be all that comes before the voxels."""
    if not path.name.endswith(".nii.gz") or path.stat().st_size == 0:
        return path.read_bytes()
    with gzip.open(path) as stream:
        header = stream.read(HEADER)
    assert struct.unpack_from("<f", header, 108) == (HEADER,), "something stands between header and voxels"
    return header
