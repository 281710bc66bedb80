"""The Slurm of one node touches nobody else's, and a killed run does not stand in the next one's way."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from . import one_node
from .conftest import no_slurm

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of one node needs root")
ALLOWS, FORBIDS = "#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 101\n"


@pytest.fixture
def etc(monkeypatch, tmp_path):
    """Instead of /etc/slurm and the policy of Debian's services."""
    monkeypatch.delenv("SLURM_CONF", raising=False)
    monkeypatch.setattr(one_node, "ETC", tmp_path)
    monkeypatch.setattr(one_node, "POLICY", tmp_path / "policy-rc.d")
    return tmp_path


def script(*words, **more):
    return subprocess.Popen([sys.executable, one_node.__file__, *words], stderr=subprocess.PIPE, text=True, **more)


@NEEDS_ROOT
@pytest.mark.parametrize("name", ["slurm.conf", "gres.conf", "cgroup.conf"])
def test_a_file_of_another_slurm_is_refused_and_stays(etc, name):
    (etc / name).write_text("ClusterName=theirs\n")
    with pytest.raises(one_node.Absent, match=f"{name} belongs to another Slurm"), one_node.slurm():
        pass
    one_node.remove_files()
    assert {path.name: path.read_text() for path in etc.iterdir()} == {name: "ClusterName=theirs\n"}


@NEEDS_ROOT
def test_a_link_that_leads_nowhere_is_another_slurms_too(etc):
    (etc / "slurm.conf").symlink_to("/nowhere/slurm.conf")
    with pytest.raises(one_node.Absent, match=r"slurm.conf belongs to another Slurm"):
        one_node.refuse()


@NEEDS_ROOT
def test_a_slurm_named_in_the_environment_is_refused(etc, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", "/theirs/slurm.conf")
    with pytest.raises(one_node.Absent, match=r"SLURM_CONF=/theirs/slurm\.conf"), one_node.slurm():
        pass
    assert list(etc.iterdir()) == []


def test_what_was_written_here_is_removed(etc):
    one_node.write_conf(etc, 1)
    one_node.put(one_node.POLICY, one_node.POLICY_TEXT, 0o755)
    assert len(list(etc.iterdir())) == 3
    one_node.remove_files()
    assert list(etc.iterdir()) == []


def test_packages_start_no_services_and_the_policy_is_gone_afterwards(etc):
    with one_node.no_services():
        assert subprocess.run([one_node.POLICY, "munge", "start"], check=False).returncode == 101
    assert not one_node.POLICY.exists()


def test_a_policy_that_is_here_already_stays(etc):
    one_node.put(one_node.POLICY, FORBIDS, 0o755)
    with one_node.no_services():
        pass
    assert one_node.POLICY.read_text() == FORBIDS


def test_nothing_is_installed_where_a_policy_lets_services_start(etc):
    one_node.put(one_node.POLICY, ALLOWS, 0o755)
    with pytest.raises(one_node.Absent, match="lets the services"), one_node.no_services():
        pass
    assert one_node.POLICY.read_text() == ALLOWS


def test_without_a_slurm_tests_are_skipped_unless_it_is_required(monkeypatch):
    monkeypatch.delenv("LVPIPE_SLURM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no root"):
        no_slurm("no root")
    monkeypatch.setenv("LVPIPE_SLURM", "required")
    with pytest.raises(pytest.fail.Exception, match="no root"):
        no_slurm("no root")


def lives(process):
    """Whether it runs; what has ended may be a zombie until its parent takes note."""
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


@pytest.fixture
def possible():
    try:
        with one_node.place():
            pass
    except one_node.Absent as reason:
        no_slurm(str(reason))


@pytest.fixture
def killed(possible, tmp_path):
    """The folder of a Slurm whose script was killed while a job of it ran, and the job's process id."""
    told, job = tmp_path / "told", tmp_path / "job"
    submit = f"sbatch --output=/dev/null --wrap 'echo $$ >{job}.part; mv {job}.part {job}; exec sleep 600'"
    waiting = f"until [ -e {job} ]; do sleep 0.1; done; scontrol show config | grep ^StateSave >{told}"
    first = script("sh", "-c", f"{submit}; {waiting}; touch {told}.done; exec sleep 600")
    try:
        one_node.wait(lambda: told.with_suffix(".done").exists() or first.poll() is not None, "the script", None)
        assert first.poll() is None, first.communicate()[1]
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    return Path(told.read_text().split()[-1]).parent, int(job.read_text())


def test_what_a_killed_run_left_is_taken_away_by_the_next(killed):
    folder, job = killed
    assert sorted(one_node.daemons(folder).values()) == ["munged", "slurmctld", "slurmd", "slurmstepd"]
    assert lives(job)
    with one_node.slurm(1):
        assert one_node.daemons(folder) == {}
        assert not lives(job)
        assert not folder.exists()
        assert one_node.said("squeue", "--noheader") == ""
    assert not any(one_node.ours(one_node.ETC / name) for name in one_node.CONFS)


def test_a_job_that_alone_was_left_is_taken_away_too(killed):
    folder, job = killed
    for process, name in one_node.daemons(folder).items():
        if name != "slurmstepd":
            os.kill(process, signal.SIGKILL)
    with one_node.slurm(1):
        assert one_node.daemons(folder) == {}
        assert not lives(job)


def test_who_only_reads_the_logs_of_a_killed_run_is_left_alone(killed):
    folder, _ = killed
    with (folder / "slurmd.log").open() as log, subprocess.Popen(["sleep", "600"], stdin=log) as reader:
        one_node.clear()
        assert reader.poll() is None
        reader.kill()


def test_a_run_that_lives_is_left_alone(possible):
    with one_node.slurm(1) as folder:
        living = one_node.daemons(folder)
        second = script("true")
        assert "another run of this script" in second.communicate()[1]
        assert second.returncode == 1
        with pytest.raises(one_node.Absent, match=r"Slurmctld.* is UP"):
            one_node.refuse_configured()
        assert one_node.daemons(folder) == living
        assert one_node.said("sinfo", "--noheader", "--format=%T") == "idle"
