"""Areas counted in masks and told by a head, in windows at the heart and beside it."""

import numpy as np
import pytest
from placing import boxes_at

from lvpipe.boxes import write_boxes
from lvpipe.config.regress import RegressSettings
from lvpipe.config.window import Window
from lvpipe.files import read_table
from lvpipe.images import write_image, write_rejected
from lvpipe.learning.area_table import see
from lvpipe.learning.weights import build_network, write_weights
from lvpipe.scoring.areas import WINDOWS

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SETTINGS = RegressSettings(batch_images=3, precision="float32", threads=1)
WINDOW = Window(side_px=16, box_share=1.0)


@pytest.fixture
def heart(image):
    """A cavity of 8 x 8 pixels, drawn in one slice, whose box leaves room above it and on both sides."""
    cine = np.full((2, 2, 40, 60), 90, np.uint8)
    reference = np.full(cine.shape, 255, np.uint8)
    reference[1, 0] = 0
    reference[1, 0, 24:32, 24:32] = 1
    cine[reference == 1] = 200
    return image(cine), image(reference), boxes_at((20, 20), (20, 20), side_px=16)


def test_windows_beside_the_heart_lie_in_the_image_and_hold_no_cavity(heart):
    cine, reference, boxes = heart
    seen = {one.place: one for one in see(cine, reference.array_tzyx, boxes, WINDOW)}
    assert {place: len(one.images_nyx) for place, one in seen.items()} == {
        "heart": 1, "above": 1, "below": 0, "left": 1, "right": 1,
    }  # fmt: skip
    assert (seen["heart"].frames.tolist(), seen["heart"].slices.tolist()) == ([1], [0])
    assert seen["heart"].shares.tolist() == [0.25]
    assert (seen["heart"].images_nyx == 200).mean() == 0.25
    assert not (seen["left"].images_nyx == 200).any()


def test_a_window_about_the_image_has_no_place_beside_it(heart):
    cine, reference, boxes = heart
    places = [one.place for one in see(cine, reference.array_tzyx, boxes, Window(side_px=32, about="image"))]
    assert places == ["heart"]


def test_a_fold_by_its_network(lvpipe, tmp_path, heart):
    cine, reference, boxes = heart
    write_image(tmp_path / "a_cine.nii.gz", cine)
    write_image(tmp_path / "a_reference.nii.gz", reference)
    write_boxes(tmp_path / "a_boxes.json", boxes)
    write_rejected(*(tmp_path / f"r_{name}" for name in ("cine.nii.gz", "reference.nii.gz", "boxes.json")))
    network = build_network("hfcn", {"outputs": 1})
    write_weights(tmp_path / "m.safetensors", network.state_dict(), {"network": "hfcn", "options": {"outputs": 1}})
    words = ("--cines", tmp_path, "--boxes", tmp_path, "--model", tmp_path / "m.safetensors", "--fold", 2)
    words += ("--cases", "a", "r", "--window", WINDOW.canonical(), "--out", tmp_path / "w.csv")
    assert lvpipe("score", "windows", *words, "--settings", SETTINGS.canonical()) == 0
    rows = read_table(tmp_path / "w.csv")
    assert tuple(rows[0]) == WINDOWS
    assert [(row["fold"], row["case"], row["frame"], row["slice"], row["place"]) for row in rows] == [
        ("2", "a", "1", "0", place) for place in ("heart", "above", "left", "right")
    ]
    assert [row["reference_percent"] for row in rows] == ["25", "0", "0", "0"]
    assert all(0 <= float(row["counted_percent"]) <= 100 and row["told_percent"] for row in rows)
