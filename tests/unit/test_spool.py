from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lvpipe.spool import Spool


def fail(path):
    path.write_text("half of it")
    raise RuntimeError("killed")


def test_finished_files_survive_a_job_that_fails_and_are_not_written_again(tmp_path):
    target = {name: tmp_path / "out" / f"{name}_prob.nii.gz" for name in "ab"}
    first = Spool(tmp_path / "spool")
    first.make("key-a", target["a"], lambda path: path.write_text("a"))
    with pytest.raises(RuntimeError):
        first.make("key-b", target["b"], fail)
    assert not target["a"].exists(), "outputs appear together, when all are finished"
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["key-a.nii.gz"]

    again = Spool(tmp_path / "spool")
    again.make("key-a", target["a"], fail)
    again.make("key-b", target["b"], lambda path: path.write_text("b"))
    again.release()
    assert {name: path.read_text() for name, path in target.items()} == {"a": "a", "b": "b"}
    assert not (tmp_path / "spool").exists()


def test_what_depends_on_something_else_is_written_anew_and_the_old_goes(tmp_path):
    Spool(tmp_path / "spool").make("old-model", tmp_path / "a.nii.gz", lambda path: path.write_text("old"))
    spool = Spool(tmp_path / "spool")
    spool.make("new-model", tmp_path / "a.nii.gz", lambda path: path.write_text("new"))
    spool.release()
    assert (tmp_path / "a.nii.gz").read_text() == "new"
    assert not (tmp_path / "spool").exists()


def test_a_case_name_with_dots_keeps_its_own_file(tmp_path):
    spool = Spool(tmp_path / "spool")
    for name in ("p.1", "p.2"):
        spool.make(f"key-{name}", tmp_path / f"{name}_prob.nii.gz", lambda path, n=name: path.write_text(n))
    spool.release()
    assert (tmp_path / "p.1_prob.nii.gz").read_text() == "p.1"
    assert (tmp_path / "p.2_prob.nii.gz").read_text() == "p.2"


def test_nothing_to_release(tmp_path):
    Spool(tmp_path / "none").release()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_kept_for_its_key_and_all_else_goes(tmp_path):
    first = Spool(tmp_path / "spool").keep("old")
    (first / "samples").mkdir()
    (first / "samples" / "images.npy").write_text("many")
    (tmp_path / "spool" / "stray.tmp").write_text("of a killed job")
    assert (Spool(tmp_path / "spool").keep("old") / "samples" / "images.npy").read_text() == "many"
    assert list((tmp_path / "spool").iterdir()) == [first]

    second = Spool(tmp_path / "spool").keep("new")
    assert list(second.iterdir()) == []
    assert list((tmp_path / "spool").iterdir()) == [second]


def test_a_spool_with_folders_goes_when_the_job_is_done(tmp_path):
    spool = Spool(tmp_path / "spool")
    (spool.keep("key") / "samples").mkdir()
    spool.make("other", tmp_path / "out.csv", lambda path: path.write_text("done"))
    spool.release()
    assert (tmp_path / "out.csv").read_text() == "done"
    assert not (tmp_path / "spool").exists()


def test_a_folder_that_a_kill_left_half_removed_is_not_taken_for_the_whole(tmp_path, monkeypatch):
    spool = Spool(tmp_path / "spool")
    (spool.keep("key") / "checkpoint").write_text("state")

    def killed(path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lvpipe.spool.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            spool.release()
    again = Spool(tmp_path / "spool")
    assert list(again.keep("key").iterdir()) == []
    again.release()
    assert not (tmp_path / "spool").exists()


def test_results_may_lie_on_another_file_system(tmp_path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to write to")
    with TemporaryDirectory(dir=memory) as other:
        target = Path(other) / "out" / "a_prob.nii.gz"
        spool = Spool(tmp_path / "spool")
        spool.make("key", target, lambda path: path.write_text("a"))
        spool.release()
        assert target.read_text() == "a"
        assert [path.name for path in target.parent.iterdir()] == [target.name]
        assert target.stat().st_mode & 0o777 == 0o644
    assert not (tmp_path / "spool").exists()
