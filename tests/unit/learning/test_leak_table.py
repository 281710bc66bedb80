"""A training by image and what `score leak` says of it."""

import json

import numpy as np
import pytest
from placing import boxes_at, window

from lvpipe.boxes import write_boxes
from lvpipe.config.segment import SegmentSettings
from lvpipe.config.train import TrainSettings
from lvpipe.files import read_table, write_table
from lvpipe.images import write_image, write_rejected
from lvpipe.learning.leaking import LEAK
from lvpipe.sheet import COLUMNS

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

NETWORK = json.dumps({"network": "unet", "options": {"channels": [4, 8]}})
TRAIN = TrainSettings(epochs=1, batch_images=4, precision="float32", threads=1, split_by="image")
SEGMENT = SegmentSettings(batch_images=4, precision="float32", threads=1)


@pytest.fixture
def folder(tmp_path, image):
    """Cases `a` to `d` with five drawn slices each; `r` was rejected."""
    y, x = np.indices((40, 40))
    for i, case in enumerate("abcd"):
        disk = np.hypot(y - 18 - i, x - 22 + i) < 8
        cine = np.tile((60 + 120 * disk).astype(np.uint8), (2, 5, 1, 1))
        reference = np.full(cine.shape, 255, np.uint8)
        reference[1] = disk
        write_image(tmp_path / f"{case}_cine.nii.gz", image(cine))
        write_image(tmp_path / f"{case}_reference.nii.gz", image(reference))
        write_boxes(tmp_path / f"{case}_boxes.json", boxes_at(*[(4, 4)] * 5, side_px=32))
    write_rejected(tmp_path / "r_cine.nii.gz", tmp_path / "r_reference.nii.gz", tmp_path / "r_boxes.json")
    rows = [dict.fromkeys(COLUMNS, "") | {"case": case, "patient": f"P{case}", "fold": 0} for case in "abcdr"]
    write_table(tmp_path / "cases.csv", COLUMNS, rows)
    return tmp_path


def test_one_network_on_images_and_on_patients_that_it_was_not_shown(lvpipe, folder):
    seen = ("--cines", folder, "--boxes", folder, *window(32), "--labels", "cavity", "--settings", TRAIN.canonical())
    taught = ("--learn", "a", "b", "r", "--watch", "c", "--model", folder / "model.safetensors")
    made = ("--history", folder / "history.csv", "--spool", folder / "spool", "--code", "x", "--network", NETWORK)
    assert lvpipe("train", *seen, *taught, *made) == 0
    who = ("--cases", folder / "cases.csv", "--name", "net", "--fold", 1, "--cohorts", "drawn", "--others", "d", "r")
    judged = ("--segment", SEGMENT.canonical(), "--out", folder / "leak.csv")
    assert lvpipe("score", "leak", *seen, *taught, *who, *judged) == 0
    rows = read_table(folder / "leak.csv")
    assert tuple(rows[0]) == LEAK
    told = [[row[name] for name in ("model", "cohort", "fold", "set", "images", "patients")] for row in rows]
    assert told[0][:5] == ["net", "drawn", "1", "held-out-images", "2"]
    assert told[1] == ["net", "drawn", "1", "held-out-patients", "5", "1"]
    assert [row["images_learnt_from_percent"] for row in rows] == ["100", "0"]
    assert all(0 <= float(row["dice_pooled"]) <= 1 for row in rows)
