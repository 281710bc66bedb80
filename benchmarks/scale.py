"""A simulated cohort: what the workflow itself costs for a thousand studies and more.

    python benchmarks/scale.py [--cases 1140] [--run] [words for snakemake, such as --profile profiles/slurm]

Every study is a link to one of a few phantoms. Prints time and peak memory of `snakemake -n` with nothing made yet;
with `--run`, all jobs are run with nothing in them but touching their outputs, and `-n` is measured again afterwards.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from overhead import HOME, trivial_copy

DRAWN = 45
"""Contoured patients that the networks learn from, as many as Sunnybrook has."""

DRY = ("--dry-run", "--quiet", "reason")

_PHANTOMS = 3
_MODEL = {"name": "unet", "view": "standard", "network": "unet", "masks": ["drawn"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1140)
    parser.add_argument("--run", action="store_true", help="run all jobs too, with nothing in them")
    args, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        recipe = simulate(folder, args.cases)
        tell("snakemake -n, nothing made yet", *measure(folder, recipe, *DRY, *words))
        if args.run:
            tell("all jobs, nothing in them", *measure(folder, recipe, "--cores", "2"))
            tell("snakemake -n, all made", *measure(folder, recipe, *DRY, *words))


def simulate(folder: Path, cases: int) -> Path:
    """Two cohorts of links in their sources' layouts, and the recipe that names them."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder), "--quiet", "all"]
    made = [f"results/phantom/volumes/train/{number + 1}" for number in range(_PHANTOMS)]
    drawn = [f"results/phantom/contours/SCD_IMAGES/SCD9{number + 1:04d}01" for number in range(_PHANTOMS)]
    subprocess.run(
        [*command[:3], *made, *drawn, *command[3:], "--snakefile", str(HOME / "Snakefile")], check=True, cwd=HOME
    )
    (folder / "data" / "bowl" / "train").mkdir(parents=True)
    (folder / "data" / "drawn" / "SCD_IMAGES").mkdir(parents=True)
    for number in range(cases):
        (folder / "data/bowl/train" / str(number + 1)).symlink_to(folder / made[number % _PHANTOMS])
    for number in range(DRAWN):
        (folder / f"data/drawn/SCD_IMAGES/SCD8{number:04d}01").symlink_to(folder / drawn[number % _PHANTOMS])
    (folder / "data/drawn/scd_patientdata.csv").write_text("PatientID,OriginalID,Gender,Age\n")
    cohorts = [
        {"name": "drawn", "reader": "sunnybrook", "path": "drawn", "masks": True, "volumes": True, "test_share": 0.3},
        {"name": "bowl", "reader": "kaggle", "path": "bowl", "volumes": True},
    ]
    recipe = folder / "scale.yaml"
    recipe.write_text(yaml.safe_dump({"data_root": "data", "cohorts": cohorts, "models": [_MODEL]}))
    trivial_copy(folder / "copy")
    return recipe


def measure(folder: Path, recipe: Path, *words: str) -> tuple[float, float, str]:
    """Seconds, peak MB of the one process, and what it said."""
    command = [sys.executable, "-m", "snakemake", *words, "--directory", str(folder)]
    command += ["--snakefile", str(folder / "copy" / "Snakefile"), "--configfile", str(recipe)]
    started = time.perf_counter()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=folder / "copy")
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(text[-3000:])
    return seconds, usage.ru_maxrss / 1024, text


def tell(what: str, seconds: float, peak_mb: float, text: str) -> None:
    jobs = re.findall(r"^total +(\d+)", text, re.MULTILINE)
    each = f", {seconds / int(jobs[0]):.4f} s a job" if jobs else ""
    print(f"{what}: {seconds:.1f} s, peak {peak_mb:.0f} MB, {jobs[0] if jobs else 'no'} jobs{each}", flush=True)


if __name__ == "__main__":
    main()
