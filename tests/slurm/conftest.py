"""The whole chain, once on this machine and once through a Slurm of one node."""

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
import yaml

from . import one_node

ROOT = Path(__file__).parents[2]
CORES = "2"
QUICK = {"train": {"epochs": 4}}  # asked is whether the same comes out, not how good it is
# A node of one's own answers within a second; sacct is there but has nothing to tell without an accounting service.
ONE_NODE = {
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": "2",
    "seconds-between-status-checks": "2",
}
SLURM = ["--profile", "profiles/slurm", "--slurm-no-account", "--slurm-keep-successful-logs"]
SLURM += [word for name, value in ONE_NODE.items() for word in (f"--{name}", value)]
GPU_RULES = ("train", "segment_0_all", "segment_1_all", "segment_all_all")


@dataclass(frozen=True)
class Run:
    """What a run left and, of one through Slurm, what was submitted."""

    folder: Path
    text: str
    submissions: list[dict[str, str]]

    @property
    def jobs(self) -> int:
        """The number of Snakemake's jobs, `all` aside."""
        return int(re.findall(r"^total +(\d+)", self.text, re.MULTILINE)[0]) - 1

    def of(self, name: str) -> list[dict[str, str]]:
        """The submissions of a rule or of a group."""
        return [job for job in self.submissions if job["Comment"].startswith(f"rule_{name}")]


def snakemake(folder: Path, *words: str) -> Run:
    """Run in this folder, and list what Slurm got of it."""
    before = {job["JobId"] for job in submissions()}
    folder.mkdir(exist_ok=True)
    # It ends with these tests, however they end: else it would submit to the Slurm of the next ones.
    command = ["setpriv", "--pdeathsig", "INT", sys.executable, "-m", "snakemake"]
    command += [*words, "--cores", CORES, "--directory", str(folder)]
    # Not PYTHONPATH: a job has to find the checkout's package by itself.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return Run(folder, done.stdout, [job for job in submissions() if job["JobId"] not in before])


def submissions() -> list[dict[str, str]]:
    """All that Slurm knows of its jobs, old and new; nothing where none runs."""
    lines = one_node.said("scontrol", "--details", "--oneliner", "show", "job").splitlines()
    jobs = (dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if line.startswith("JobId="))
    return [{"JOB_GRES": "", **job} for job in jobs if "Comment" in job]


def no_slurm(reason: str) -> NoReturn:
    """Skip, or fail where LVPIPE_SLURM=required says that there has to be a Slurm."""
    if os.environ.get("LVPIPE_SLURM") == "required":
        pytest.fail(f"LVPIPE_SLURM=required, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster():
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        no_slurm("the executor plug-in is not installed: make slurm")
    try:
        with one_node.slurm(int(CORES)) as folder:
            yield folder
    except one_node.Absent as reason:
        no_slurm(str(reason))


@pytest.fixture(scope="session")
def configured(tmp_path_factory):
    quick = tmp_path_factory.mktemp("config") / "quick.yaml"
    quick.write_text(yaml.safe_dump(QUICK))
    return ["--configfile", "recipes/tiny.yaml", str(quick)]


@pytest.fixture(scope="session")
def submitted(cluster, configured, tmp_path_factory):
    gpus = [f"{rule}:gpu=1" for rule in GPU_RULES]
    return snakemake(tmp_path_factory.mktemp("slurm") / "run", *SLURM, "--set-resources", *gpus, *configured)


@pytest.fixture(scope="session")
def local(submitted, configured, tmp_path_factory):
    return snakemake(tmp_path_factory.mktemp("local") / "run", *configured)
