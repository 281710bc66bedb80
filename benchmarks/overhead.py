"""The workflow's own overhead: seconds a job beyond the job's work, and what starting a light stage costs.

Runs a copy of the workflow in which every rule only touches its outputs, so that all time is the workflow's own.
Prints seconds a job, also as a ratio to starting a bare shell, and each light stage's start beside a bare Python's.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).parent.parent
LIGHT = ("phantom", "convert", "resample", "detect", "postprocess", "integrate", "calibrate", "score")
REPEATS = 5
_SHELL = re.compile(r"( +)shell:\n(?:\1 +[^\n]*\n?|\n(?=\1 ))+")
_TRIVIAL = (
    r"\1shell:\n\1    'for f in {output}; do case $f in *.csv|results/[!p]*|results/postprocess/*) echo > $f;;"
    r" *) mkdir -p $f;; esac; done'\n"
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = trivial_copy(Path(folder))
        seconds, jobs = _run(copy)
    bare = _median_seconds(["sh", "-c", "true"])
    print(
        f"{jobs} trivial jobs in {seconds:.1f} s: {seconds / jobs:.3f} s a job, {seconds / jobs / bare:.0f} bare shells"
    )
    python = _median_seconds([sys.executable, "-c", "pass"])
    for stage in LIGHT:
        took = _median_seconds([sys.executable, "-m", "lvpipe", stage, "--help"])
        print(f"{stage:<12} starts and ends in {took:.2f} s ({took / python:.0f} bare Pythons)")


def trivial_copy(folder: Path) -> Path:
    """The workflow with rules that touch their outputs and do nothing else."""
    folder.mkdir(exist_ok=True)
    for name in ("Snakefile", "config.yaml", "envs", "workflow", "lvpipe", "profiles"):
        source = HOME / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for rules in (folder / "workflow" / "rules").glob("*.smk"):
        changed, found = _SHELL.subn(_TRIVIAL, rules.read_text())
        if not found:
            raise SystemExit(f"{rules.name}: no shell directive found to make trivial")
        rules.write_text(changed)
    return folder


def _run(folder: Path) -> tuple[float, int]:
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "2", "--directory", str(folder / "run")]
    (folder / "run").mkdir()
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--snakefile", str(folder / "Snakefile")], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    steps = re.findall(r"(\d+) of \d+ steps \(100%\) done", done.stdout + done.stderr)
    if not steps:
        raise SystemExit(done.stderr[-2000:])
    return seconds, int(steps[-1])


def _median_seconds(command: list[str]) -> float:
    return sorted(_seconds(command) for _ in range(REPEATS))[REPEATS // 2]


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
