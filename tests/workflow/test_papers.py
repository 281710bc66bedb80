"""The papers' recipes: whether a run of each would do all that its table of published figures asks."""

import subprocess
import sys
from typing import get_args

import pytest

from lvpipe.config.published import Paper

from .conftest import ROOT, parse_jobs


@pytest.mark.parametrize("paper", get_args(Paper))
def test_a_shrunken_recipe_has_every_job_up_to_the_papers_table(paper, tmp_path):
    recipes = [str(ROOT / "recipes" / part / f"{paper}.yaml") for part in (".", "ci")]
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "reason", "--directory", str(tmp_path)]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--configfile", *recipes, "--", "results/published.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = parse_jobs(done.stdout + done.stderr)
    assert jobs["published"] == jobs["score"] == 1
    assert jobs.get("score_leak", 0) == (0 if paper.startswith("liao2017") else 2)
    assert jobs.get("published_sigma", 0) == (paper == "liao2017_sigma")
