"""The kill harness sees what it is there to see."""

import json
import random

import pytest
from evidence import TIMESTAMP, contents, finished, incomplete, scratch, torn_folders, wrong_files
from kill import PIPELINE, Harness, Kill, plan_kills
from processes import Stage

from lvpipe.record_names import record_path

PHANTOM = "results/phantom/c/1"


@pytest.fixture
def folders(tmp_path):
    """Two equal runs; the first is the reference."""
    for name in ("reference", "killed"):
        for path, text in ((f"{PHANTOM}/a.dcm", "a"), (f"{PHANTOM}/{TIMESTAMP}", ""), ("results/crps.csv", "1,2")):
            write(tmp_path / name / path, text)
        for output in (PHANTOM, "results/crps.csv"):
            write(record(tmp_path / name, "metadata", output), json.dumps({"rule": "r"}))
    return tmp_path / "reference", tmp_path / "killed"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def record(folder, kind, output):
    return record_path(folder / ".snakemake" / kind, output)


def test_equal_runs_show_nothing(folders):
    reference, killed = folders
    assert wrong_files(killed, contents(reference / "results")) == []
    assert torn_folders(killed, reference) == []
    assert scratch(killed) == []
    assert set(finished(killed)) == {PHANTOM, "results/crps.csv"}


def test_half_a_file_under_a_final_name_is_seen(folders):
    reference, killed = folders
    write(killed / "results" / "crps.csv", "1,")
    write(killed / "results" / "stray.csv", "")
    assert wrong_files(killed, contents(reference / "results")) == ["crps.csv", "stray.csv"]


def test_half_a_folder_is_seen_unless_snakemake_does_not_trust_it(folders):
    reference, killed = folders
    (killed / PHANTOM / "a.dcm").unlink()
    assert torn_folders(killed, reference) == [PHANTOM]
    write(record(killed, "incomplete", PHANTOM), "")
    assert torn_folders(killed, reference) == []
    assert incomplete(killed) == {PHANTOM}
    assert set(finished(killed)) == {"results/crps.csv"}


def test_what_was_never_finished_is_seen_and_not_taken_for_a_result(folders):
    reference, killed = folders
    write(killed / "results" / ".crps.csv.abc.part", "1")
    write(killed / "results" / "phantom" / "c" / ".2.abc.part" / "a.dcm", "a")
    assert len(scratch(killed)) == 3
    assert contents(killed / "results") == contents(reference / "results")


@pytest.mark.parametrize("kills", [1, 3, 14, 20])
def test_kills_are_planned_in_the_order_of_the_pipeline(kills):
    planned = plan_kills(kills, random.Random(1))
    assert len(planned) == kills
    words = [word for word in planned if word != "snakemake"]
    assert words == sorted(words, key=PIPELINE.index)
    assert kills < len(PIPELINE) or set(PIPELINE) <= set(planned)
    assert planned == plan_kills(kills, random.Random(1)), "the same seed gives the same plan"


def test_a_checkpoint_that_is_gone_is_seen_unless_the_training_is_over(folders):
    reference, killed = folders
    write(reference / ".snakemake" / "metadata" / "cg==", '{"rule": "train", "starttime": 1, "endtime": 2}')
    for output in (PHANTOM, "results/crps.csv"):
        record(reference, "metadata", output).unlink()
    harness = Harness(reference, killed.parent, 1, 1)
    stage = Stage(1, ("train", "--spool", ".spool/train/unet/fold-0", "--model", "results/model.safetensors"), 0.0)
    kill = Kill(1, "train", 1.0, [stage], "", {}, {}, {}, 0.0)
    checkpoint, model = killed / stage.option("--spool") / "key" / "checkpoint", killed / stage.option("--model")
    assert harness.lost(kill, killed) == [], "it has none yet"
    write(checkpoint, "")
    assert harness.lost(kill, killed) == []
    checkpoint.unlink()
    assert harness.lost(kill, killed) == [str(model)]
    write(model, "")
    assert harness.lost(kill, killed) == [], "it is over"
    model.unlink()
    assert harness.lost(kill, killed) == [], "it starts anew"
