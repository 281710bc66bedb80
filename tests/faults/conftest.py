"""One finished run, copies of it to go on from, and small file systems of their own."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from answer import Answer
from evidence import contents
from processes import ROOT, surroundings

TINY = yaml.safe_load((ROOT / "recipes" / "tiny.yaml").read_text())
QUICK = {
    "train": {"epochs": 4},
    "models": TINY["models"][:1],
}  # what is written is asked, not what is learnt, or by whom
LONGEST_S = 300


@dataclass(frozen=True)
class Folder:
    """A run's working directory."""

    path: Path
    overlay: Path

    def make(self, target: str) -> Answer:
        """One of Makefile's commands for this folder, with the environment as it is."""
        words = f"ARGS=--directory {self.path} --configfile {ROOT / 'recipes' / 'tiny.yaml'} {self.overlay}"
        return self._run(["make", "--assume-old=.venv/.complete", target, "CORES=2", words])

    def dry_run(self) -> Answer:
        words = ["--directory", str(self.path), "--configfile", str(ROOT / "recipes" / "tiny.yaml"), str(self.overlay)]
        return self._run([str(ROOT / ".venv" / "bin" / "snakemake"), "-n", "--quiet", "rules", *words])

    def _run(self, command: list[str]) -> Answer:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**surroundings(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONGEST_S,
        )
        return Answer(done.returncode, done.stdout)

    @property
    def results(self) -> dict[str, str]:
        return contents(self.path / "results")


class Disk:
    """A file system of its own size, in memory."""

    def __init__(self, place: Path, size: str) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "lvpipe-test", str(place)], check=True)

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.place)], check=True)

    def unmount(self) -> None:
        """Lazily: a process that still looks at it does not keep it."""
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[Callable[[Path, str], Disk]]:
    """Mount a small disk; whatever happens it is gone afterwards."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: full and read-only disks, for mounting small file systems needs root")
    disks: list[Disk] = []

    def make(place: Path, size: str) -> Disk:
        try:
            disks.append(Disk(place, size))
        except subprocess.CalledProcessError:
            pytest.skip("NOT TESTED: full and read-only disks, for this system lets nobody mount a tmpfs")
        return disks[-1]

    yield make
    for disk in reversed(disks):
        disk.unmount()


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A run that nothing disturbed."""
    home = tmp_path_factory.mktemp("faults")
    overlay = home / "quick.yaml"
    overlay.write_text(yaml.safe_dump(QUICK))
    folder = Folder(home / "reference", overlay)
    answer = folder.make("run")
    assert answer.code == 0, answer.text[-5000:]
    return folder


@pytest.fixture
def beside(reference: Folder, tmp_path: Path) -> Callable[[Path], Folder]:
    """A copy of the finished run from which everything after training is gone."""

    def copy(path: Path) -> Folder:
        shutil.copytree(reference.path, path, dirs_exist_ok=True)
        for word in ("segment", "postprocess", "integrate", "calibrate", "score", "report"):
            shutil.rmtree(path / "results" / word)
        for name in ("crps.csv", "dice.csv", "segmentation.csv", "cases.csv"):
            (path / "results" / name).unlink()
        return Folder(path, reference.overlay)

    return copy
