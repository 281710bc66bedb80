from importlib.util import find_spec

import numpy as np
import pytest

from lvpipe.boxes import read_finding
from lvpipe.config.detect import DetectSettings
from lvpipe.images import write_image, write_rejected
from lvpipe.stages.detect import STEPS


@pytest.mark.parametrize("words", [[], ["nothing"], ["--help"]])
def test_an_unknown_step_names_those_that_there_are(lvpipe, words):
    with pytest.raises(SystemExit, match=", ".join(STEPS)):
        lvpipe("detect", *words)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_there(step):
    assert find_spec(f"lvpipe.detection.steps.{step}")


def test_from_views_to_boxes_and_their_pictures(lvpipe, image, tmp_path):
    """Two cases of a shard: one that has no motion, so that a method finds nothing in it, and one that was rejected."""
    write_image(tmp_path / "a_cine.nii.gz", image(np.full((2, 3, 40, 40), 7, np.uint8)))
    write_rejected(tmp_path / "b_cine.nii.gz")
    settings = DetectSettings(method="fourier", rivals=("centre",)).canonical()
    places = ("--cases", "a", "b", "--views", tmp_path)
    parts = ("--parts", tmp_path, "--folds", 0, "--settings", settings)
    assert lvpipe("detect", "find", *places, *parts, "--out", tmp_path) == 0
    boxes = read_finding(tmp_path / "a_boxes.json")
    assert (boxes.squares, boxes.doubtful, boxes.rivals["fourier"]) == ((), False, None)
    assert "no image" in boxes.reason
    assert (tmp_path / "b_boxes.json").read_bytes() == b""
    assert lvpipe("detect", "picture", *places, "--boxes", tmp_path, "--out", tmp_path) == 0
    assert (tmp_path / "a_boxes.png").read_bytes()[1:4] == b"PNG"
    assert (tmp_path / "b_boxes.png").read_bytes() == b""
