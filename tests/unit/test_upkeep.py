import os
from pathlib import Path

import pytest

from lvpipe.errors import UserError
from lvpipe.files import replacing
from lvpipe.upkeep import check_places, check_state, full_disks, sweep


def test_what_a_kill_left_unfinished_goes_and_all_else_stays(tmp_path):
    kept = [
        tmp_path / "results" / "convert" / "a_cine.json",
        tmp_path / "results" / "convert" / "mine.part",
        tmp_path / "results" / "phantom" / "c" / "1" / ".snakemake_timestamp",
        tmp_path / ".spool" / "train" / "key.safetensors",
        tmp_path / ".elsewhere.part",
    ]
    with replacing(tmp_path / "results" / "a.csv") as scratch:
        left = scratch.name
    gone = [
        tmp_path / "results" / "convert" / left,
        tmp_path / "results" / "phantom" / "c" / ".1.abc.part" / "study" / "IM-1.dcm",
        tmp_path / ".spool" / "segment" / ".key.nii.gz.abc.part",
    ]
    (tmp_path / "results" / "a.csv").unlink()
    for path in kept + gone:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    sweep(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not gone[1].parents[1].exists()


def test_an_empty_folder_is_fine(tmp_path):
    check_places(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(UserError, match="results is a file, expected a folder"):
        check_places(tmp_path)


@pytest.mark.parametrize(("check", "why"), [(check_places, "nothing was done"), (check_state, "even in a dry run")])
def test_a_folder_that_cannot_be_written_to_is_refused(check, why):
    if os.access("/proc/1", os.W_OK):
        pytest.skip("/proc can be written to here")
    with pytest.raises(UserError, match=rf"^/proc/1 cannot be written to .*{why}"):
        check(Path("/proc/1"))


def test_a_full_disk_is_told_of_and_one_with_room_is_not(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    assert full_disks(tmp_path) == []
    monkeypatch.setattr("lvpipe.upkeep.LEAST_ROOM_BYTES", 2**70)  # as if what is free were nearly nothing
    (line,) = full_disks(tmp_path)
    assert "no space left on its disk" in line
    assert str(tmp_path) in line
