"""Through a scheduler comes what comes without one, in few submissions that ask for what they need."""

import pytest
from evidence import contents

from .conftest import CORES, GPU_RULES, SLURM, snakemake

ONCE = """
rule once:
    output:
        "done",
    shell:
        "test {resources.mem_mb} -ge 2000 && touch {output}"
"""


def test_every_file_is_the_local_runs_byte_for_byte(submitted, local):
    ours, theirs = contents(submitted.folder / "results"), contents(local.folder / "results")
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    assert {"crps.csv", "dice.csv", "segmentation.csv", "cases.csv", "report/index.html"} <= ours.keys()


def test_nothing_runs_again_without_slurm_afterwards(submitted, configured):
    assert "Nothing to be done" in snakemake(submitted.folder, "--dry-run", *configured).text


@pytest.mark.parametrize("rule", GPU_RULES)
def test_jobs_that_ask_for_a_gpu_are_given_one(submitted, rule):
    jobs = submitted.of(f"{rule}_wildcards")
    assert jobs
    assert all((job["TresPerJob"], job["JOB_GRES"]) == ("gres:gpu:1", "gpu:1") for job in jobs)


def test_no_other_job_is_given_a_gpu(submitted):
    with_gpu = [job["Comment"] for job in submitted.submissions if "gpu" in job["JOB_GRES"]]
    assert len(with_gpu) == 2 * 5, "two folds of two networks, and each network on the cases of both folds and of none"
    assert all(name.startswith(("rule_train_wildcards", "rule_segment_")) for name in with_gpu)


def test_submissions_are_far_fewer_than_jobs(submitted):
    assert submitted.jobs == 173
    assert (len(submitted.of("prepare")), len(submitted.of("measure"))) == (1, 3), "42 parts, 20 at a time"
    assert len(submitted.submissions) <= submitted.jobs / 4


def test_a_group_asks_for_no_more_than_runs_at_a_time(submitted):
    (group,) = submitted.of("prepare")
    assert (group["NumCPUs"], group["MinMemoryNode"]) == (CORES, f"{int(CORES) * 1000}M")


@pytest.mark.parametrize("group", ["prepare", "measure"])
def test_a_group_starts_snakemake_twice_and_not_for_each_job(submitted, group):
    logs = list((submitted.folder / ".snakemake" / "slurm_logs").glob(f"group_{group}*/**/*.log"))
    assert len(logs) == len(submitted.of(group))
    for log in logs:
        assert log.read_text().count("Building DAG of jobs") == 2  # the plug-in's job step, and what that starts


def test_a_job_that_failed_is_asked_for_again_with_more_memory_and_time(cluster, tmp_path):
    (tmp_path / "Snakefile").write_text(ONCE)
    run = snakemake(tmp_path / "run", *SLURM, "--snakefile", str(tmp_path / "Snakefile"))
    asked = [(job["MinMemoryNode"], job["TimeLimit"]) for job in run.of("once")]
    assert asked == [("1000M", "00:02:00"), ("2000M", "00:04:00")]
    assert (run.folder / "done").exists()
