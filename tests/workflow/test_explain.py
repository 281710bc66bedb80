"""`lvpipe why` and `lvpipe trace` on a real run, after what people do to one."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from .conftest import QUICK, Workflow

MASK = "results/postprocess/unet/1_mask.nii.gz"
SOURCE = "results/phantom/volumes/train/1"


def why(workflow, *words, **overlay):
    """The lines that `lvpipe why` prints, with the configuration of the finished run and changes to it."""
    answer = workflow.run([*asked(workflow, "lvpipe", "why", **overlay), *words])
    assert answer.code == 0, answer.text
    return answer.text.splitlines()


def asked(workflow, *command, **overlay):
    extra = workflow.folder.parent / f"why_{workflow.folder.name}.yaml"
    extra.write_text(yaml.safe_dump({**QUICK, **overlay}))
    words = [sys.executable, "-m", *command, "--directory", str(workflow.folder)]
    words += ["--snakefile", str(workflow.repository / "Snakefile")]
    return [*words, "--configfile", str(workflow.repository / "recipes" / "tiny.yaml"), str(extra)]


def trace(workflow, *words):
    answer = workflow.run([sys.executable, "-m", "lvpipe", "trace", *words, "--directory", str(workflow.folder)])
    assert answer.code == 0, answer.text
    return answer.text


def below(lines, heading):
    """The indented lines below a heading, their blanks made one."""
    rest = lines[lines.index(heading) + 1 :]
    return [" ".join(line.split()) for line in rest[: rest.index("") if "" in rest else None]]


@pytest.fixture
def copy(finished, tmp_path):
    """The finished run, for what cannot be put back."""
    shutil.copytree(finished.folder, tmp_path / "run")
    return Workflow(finished.repository, tmp_path / "run")


def test_nothing_to_do(finished):
    before = {path: path.stat().st_mtime_ns for path in (finished.folder / "results").rglob("*")}
    assert [line[:17] for line in why(finished)] == ["Nothing to do: al"]
    assert {path: path.stat().st_mtime_ns for path in (finished.folder / "results").rglob("*")} == before


def test_a_changed_setting_is_said_once_with_what_it_costs(finished):
    lines = why(finished, postprocess={"threshold": 0.6})
    jobs = finished.would_run({"postprocess": {"threshold": 0.6}})
    del jobs["all"]
    assert lines[0].startswith(f"{sum(jobs.values())} of ")
    assert below(lines, "postprocess.threshold: 0.5 -> 0.6") == ["postprocess 24 jobs"]
    assert "integrate 24 jobs because postprocess runs" in below(lines, "These follow:")
    assert len(below(lines, "These follow:")) == len(jobs) - 1


def test_changes_in_two_places_are_both_said_though_one_hides_the_other_from_snakemake(finished):
    lines = why(finished, postprocess={"threshold": 0.6}, report={"title": "Another"})
    assert below(lines, "report.title: Left-ventricle volumes -> Another") == ["report 1 job"]


def test_an_edited_module_is_named(finished):
    path = finished.repository / "lvpipe" / "readers" / "kaggle.py"
    source = path.read_text()
    try:
        path.write_text(f"{source}\n_EDITED = 1\n")
        lines = why(finished)
    finally:
        path.write_text(source)
    assert below(lines, "lvpipe.readers.kaggle changed") == ["convert_volumes 5 jobs", "convert_sheet 1 job"]


def test_an_input_changed_by_hand_and_an_output_that_is_gone(copy):
    shutil.copy(copy.folder / MASK.replace("1_mask", "2_mask"), copy.folder / MASK)
    (copy.folder / "results" / "report" / "index.html").unlink()
    lines = why(copy)
    assert below(lines, f"an input changed: {MASK}") == ["integrate 1 job"]
    assert below(lines, "its output is gone: results/report/index.html") == ["report 1 job"]


def test_an_added_case_is_named(finished):
    cases = {"train": 2, "validate": 1, "test": 3}
    lines = why(finished, phantom={"cohorts": {"volumes": {"cases": cases}}})
    new = next(line for line in lines if line.startswith("its output was never made: results/phantom/volumes/test/6"))
    assert "convert_volumes 1 job" in below(lines, new)
    assert "cases: 6 new" in lines


def test_a_killed_run_is_told_from_a_change(copy):
    command = asked(copy, "snakemake", postprocess={"threshold": 0.6})
    environment = {**os.environ, "PYTHONPATH": str(copy.repository)}
    process = subprocess.Popen(
        [*command, "--cores", "1"],
        cwd=copy.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        started = copy.folder / ".snakemake" / "incomplete"
        while not any(path.is_file() and path.name != "migration_underway" for path in started.rglob("*")):
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = why(copy, postprocess={"threshold": 0.6})
    assert "is locked" in lines[0]
    assert any(
        line.startswith("an earlier run was interrupted while making it: results/postprocess/") for line in lines
    )
    assert "postprocess.threshold: 0.5 -> 0.6" in lines


def test_a_mistake_is_the_line_that_snakemake_gives(finished):
    command = asked(finished, "lvpipe", "why", postprocess={"threshold": 2})
    answer = finished.run(command)
    assert (answer.code, answer.told) == (1, finished.snakemake(overlay={"postprocess": {"threshold": 2}}).told)
    assert len(answer.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("case", "files"), [("1", ["_cine.json", "_areas.csv"]), ("SCD9000201", ["_reference.nii.gz"])]
)
def test_a_number_is_traced_to_the_source_files(finished, case, files):
    text = trace(finished, "results/crps.csv", case)
    assert "Everything compared agrees, back to the source files." in text
    assert "agrees with the ledger" in text
    assert all(f"/{case}{name}" in text for name in [*files, "_mask.nii.gz", "_prob.nii.gz", "_boxes.json"])
    assert "model.safetensors" in text
    other = "2" if case == "1" else "SCD9000301"
    assert f"/{other}_" not in text


def test_files_lists_every_source_file_with_its_hash(finished):
    text = trace(finished, "results/convert/1_cine.json", "--files")
    listed = [line.split()[1] for line in text.splitlines() if line.endswith(".dcm")]
    there = [path for path in (finished.folder / SOURCE).rglob("*.dcm") if "sax_" in path.parent.name]
    assert sorted(listed) == sorted(str(path.relative_to(finished.folder)) for path in there)


def test_one_byte_of_a_source_file_is_noticed(copy):
    path = sorted((copy.folder / SOURCE).rglob("sax_*/*.dcm"))[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    text = trace(copy, "results/crps.csv", "1")
    assert "does not agree with the ledger" in text
    assert f"{path} changed: SHA-256" in text or "the files of the cine are as they were" in text


def test_a_mask_edited_by_hand_is_noticed(copy):
    shutil.copy(copy.folder / MASK.replace("1_mask", "2_mask"), copy.folder / MASK)
    told = f"{MASK} changed since results/integrate/unet/1_areas.csv was made from it"
    assert told in trace(copy, "results/crps.csv", "1")
    assert "Everything compared agrees, back to the source files." in trace(copy, "results/crps.csv", "3")


def test_a_cine_that_was_compared_by_its_time_alone_is_named(finished):
    cine = "results/convert/1_cine.nii.gz"
    assert (finished.folder / cine).stat().st_size > 1_000_000
    blocks = trace(finished, "results/crps.csv", "1").split("\n\n")
    assert "compared by its time alone" in next(block for block in blocks if block.startswith(f"{cine} "))
    assert "compared by its time alone" not in next(block for block in blocks if block.startswith(f"{MASK} "))


def test_of_a_fold_that_has_not_learnt_from_a_case_nothing_is_claimed(finished):
    last = trace(finished, "results/train/unet/fold-0/history.csv", "1").splitlines()[-1]
    assert last.startswith("No input of this file concerns case 1")


def test_a_source_that_is_gone_is_said_once(copy):
    shutil.rmtree(copy.folder / SOURCE)
    assert trace(copy, "results/crps.csv", "1").splitlines()[-2:] == [
        "1 thing does not agree:",
        f"    {SOURCE} is gone",
    ]


def test_a_rejected_case_is_traced_to_its_reason(copy):
    for path in (copy.folder / SOURCE).rglob("*.dcm"):
        path.write_bytes(b"no image")
    answer = copy.snakemake("--forcerun", "convert_volumes", targets=("results/detect/standard/1_boxes.json",))
    assert answer.code == 0, answer.text
    text = trace(copy, "results/detect/standard/1_boxes.json")
    assert "status rejected: none of " in text
    assert "empty: the case was rejected" in text
    assert "Everything compared agrees, back to the source files." in text
