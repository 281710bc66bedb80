"""The mean of two networks: drawn, measured and traced as a network is."""

import csv
import shutil
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from lvpipe.images import read_image
from lvpipe.probabilities import PROB_SLOPE

from .conftest import Workflow
from .test_reruns import UNET

OTHER = {**UNET, "name": "other", "options": {"channels": [4, 8]}}
MEAN = {"name": "mean", "kind": "averages", "of": ["unet", "other"]}


@pytest.fixture(scope="module")
def averaged(finished: Workflow) -> Iterator[tuple[Workflow, str]]:
    """The finished run, and a case of fold 0 with a second network and the mean of both."""
    sheet = csv.DictReader((finished.folder / "results" / "convert" / "cases.csv").open())
    case = next(row["case"] for row in sheet if (row["split"], row["fold"], row["status"]) == ("train", "0", "ok"))
    target = (f"results/integrate/mean/{case}_volumes.csv",)
    answer = finished.snakemake(overlay={"models": [UNET, OTHER, MEAN]}, targets=target)
    assert answer.code == 0, answer.text[-5000:]
    yield finished, case
    for folder in [*finished.folder.glob("results/*/mean"), *finished.folder.glob("results/*/other")]:
        shutil.rmtree(folder)


def test_the_mean_lies_between_its_members(averaged):
    workflow, case = averaged
    mean, *members = (
        read_image(workflow.folder / "results" / "segment" / model / f"{case}_prob.nii.gz").array_tzyx
        for model in ("mean", "unet", "other")
    )
    assert not np.array_equal(*members)
    np.testing.assert_allclose(mean, np.mean(members, axis=0), atol=0.51 * PROB_SLOPE)


def test_a_volume_of_the_mean_is_traced_to_both_networks(averaged):
    workflow, case = averaged
    words = [f"results/integrate/mean/{case}_volumes.csv", case, "--directory", str(workflow.folder), "--model", "mean"]
    answer = workflow.run([sys.executable, "-m", "lvpipe", "trace", *words])
    assert answer.code == 0, answer.text
    for model in ("unet", "other"):
        assert f"results/train/{model}/fold-0/model.safetensors" in answer.text
    assert "Everything compared agrees, back to the source files." in answer.text
