"""The main job, from nothing: wall time, peak memory of all its processes together, and how good the result is.

    python benchmarks/default_run.py [--cores 2] [--configfile recipes/x.yaml]

Figures are those of the test splits.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import psutil

HOME = Path(__file__).parent.parent
_INTERVAL_S = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", default="2")
    parser.add_argument("--configfile")
    parser.add_argument("--directory", type=Path, help="where to run and to leave the results; else a scratch folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.directory or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        seconds, peak_mb = run(folder, args.cores, args.configfile)
        print(f"wall time {seconds:.0f} s on {args.cores} cores, peak memory {peak_mb:.0f} MB")
        figures(folder / "results")


def run(folder: Path, cores: str, configfile: str | None) -> tuple[float, float]:
    """Run the workflow and watch the memory of the whole process tree."""
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", cores, "--directory", str(folder)]
    command += ["--snakefile", str(HOME / "Snakefile")] + (["--configfile", configfile] if configfile else [])
    started, peak = time.perf_counter(), 0
    with (folder / "run.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, _tree_bytes(process.pid))
            time.sleep(_INTERVAL_S)
    if process.returncode:
        raise SystemExit((folder / "run.log").read_text()[-3000:])
    return time.perf_counter() - started, peak / 1e6


def figures(results: Path) -> None:
    """The rows that the project promises something about."""
    stacks = [row for row in _rows(results / "dice.csv") if (row["label"], row["slice"]) == ("cavity", "")]
    dice = [row for row in stacks if row["split"] == "test" and row["dice"]]
    for key in sorted({(row["model"], row["cohort"]) for row in dice}):
        values = [float(row["dice"]) for row in dice if (row["model"], row["cohort"]) == key]
        print(
            f"{' '.join(key)}: Dice of {len(values)} stacks {mean(values):.4f}, median {median(values):.4f}, ", end=""
        )
        print(f"lowest {min(values):.4f}")
    for row in _rows(results / "crps.csv"):
        if row["split"] == "test":
            print("  ".join(f"{name} {value}" for name, value in row.items()))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _tree_bytes(pid: int) -> int:
    """Resident memory of a process and all below it; shared pages count once for each, so this is an upper bound."""
    total = 0
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in tree:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    main()
