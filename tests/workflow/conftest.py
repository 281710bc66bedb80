"""One real run of recipes/tiny.yaml in a copy of the repository, shared by all workflow tests."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from answer import Answer

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "envs", "lvpipe", "profiles", "recipes", "workflow")
QUICK = {"train": {"epochs": 4}}  # these tests ask what runs, not what is learnt
TINY = yaml.safe_load((ROOT / "recipes" / "tiny.yaml").read_text())
UNET = {"models": TINY["models"][:1]}  # where the cohort `volumes` is not there to teach the others
LIGHT = {"detect": {"method": "mean_deltas", "rivals": []}}  # where it does not matter how hearts are found


@dataclass(frozen=True)
class Workflow:
    """A copy of the repository whose modules can be edited, and a working directory beside it."""

    repository: Path
    folder: Path

    def snakemake(self, *words: str, overlay: Mapping[str, object] | None = None, targets: tuple[str, ...] = ()):
        """Run with recipes/tiny.yaml and, over it, one more configuration file."""
        extra = self.folder.parent / f"overlay_{self.folder.name}.yaml"
        extra.write_text(yaml.safe_dump({**QUICK, **(overlay or {})}))
        command = [sys.executable, "-m", "snakemake", *targets, "--cores", "2", "--directory", str(self.folder)]
        command += ["--snakefile", str(self.repository / "Snakefile"), *words]
        command += ["--configfile", str(self.repository / "recipes" / "tiny.yaml"), str(extra)]
        return self.run(command)

    def run(self, command: list[str]) -> Answer:
        """Run with the copy's package before the installed one."""
        # Not in the tests' own directory: `python -m` puts that first on the path, before the copy.
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.repository)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout)

    def would_run(self, overlay: Mapping[str, object] | None = None) -> dict[str, int]:
        """How many jobs of each rule a run would do now."""
        answer = self.snakemake("--dry-run", "--quiet", "reason", overlay=overlay)
        assert answer.code == 0, answer.text
        return parse_jobs(answer.text)

    def beside(self, name: str) -> "Workflow":
        """The same repository with an empty working directory."""
        folder = self.folder.parent / name
        folder.mkdir()
        return Workflow(self.repository, folder)


def parse_jobs(text: str) -> dict[str, int]:
    """The last table `job  count` of Snakemake's output."""
    if "Nothing to be done" in text:
        return {}
    lines = iter(text.rpartition("Job stats:")[2].splitlines()[3:])
    rows = (line.split() for line in iter(lambda: next(lines), ""))
    return {rule: int(count) for rule, count in rows if rule != "total"}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A finished run; tests may edit its repository if they put everything back.

    Of several processes the first one makes it, and each works on a copy of its own.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            _run_all(shared.with_suffix(".part")).rename(shared)
    home = tmp_path_factory.mktemp("workflow") / "home"
    shutil.copytree(shared, home)
    return Workflow(home / "repository", home / "run")


def _run_all(home: Path) -> Path:
    """A copy of the repository and a run of it, in this folder."""
    shutil.rmtree(home, ignore_errors=True)
    workflow = Workflow(home / "repository", home / "run")
    workflow.folder.mkdir(parents=True)
    for part in PARTS:
        workflow.repository.mkdir(exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, workflow.repository / part)
    answer = workflow.snakemake()
    assert answer.code == 0, answer.text[-5000:]
    return home
