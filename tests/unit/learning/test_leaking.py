"""Figures of one network on images of patients that it knows, and of others."""

import numpy as np
import pytest
import torch

from lvpipe.config.segment import SegmentSettings
from lvpipe.learning.leaking import judge, overlap
from lvpipe.learning.store import Store, write_store

SETTINGS = SegmentSettings(batch_images=2, precision="float32", threads=1)
ALL = ("cavity", "myocardium", "background")
SURE = 40.0  # a logit that leaves no doubt


class Bright(torch.nn.Module):
    """Says cavity where an image in 0..1 is brighter than a half; and background elsewhere, if it has an output."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        cavity = torch.where(images > 0.5, SURE, -SURE)
        wall = torch.full_like(cavity, -SURE)
        return torch.cat([cavity, wall, -cavity][: self.outputs], dim=1)


def samples(folder, labels):
    """Three images of 4 x 4: bright in the first row, in the first two, and nowhere."""
    images = np.zeros((3, 4, 4), np.uint8)
    images[0, 0], images[1, :2] = 255, 255
    write_store(folder / "samples", [("a", images, labels.astype(np.uint8))])
    return Store(folder / "samples").samples(["a"])


def test_slices_are_judged_where_there_is_something_and_pixels_everywhere(tmp_path):
    labels = np.zeros((3, 4, 4))
    labels[:2, 0] = 1
    found = judge(Bright(1), samples(tmp_path, labels), ["cavity"], SETTINGS, "unit")
    assert found["dice_2d_mean"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["iou_2d"] == pytest.approx(0.75)
    assert found["area_error_share"] == pytest.approx(0.5)  # none and as much again
    assert found["dice_pooled"] == found["accuracy_pooled"] == pytest.approx(44 / 48)
    assert found["background_dice_pooled"] == pytest.approx(40 / 48)


class FirstRow(torch.nn.Module):
    """Says cavity of the first row, whatever is there."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        row = torch.full_like(images, -SURE)
        row[..., 0, :] = SURE
        return row


def test_the_network_looks_as_often_as_it_does_in_segment(tmp_path):
    labels = np.zeros((3, 4, 4))
    labels[:, 0] = labels[:, 3] = 1
    shown = samples(tmp_path, labels)
    mirrored = SETTINGS.model_copy(update={"turns": ("identity", "mirror_y")})
    found = [judge(FirstRow(), shown, ["cavity"], settings, "unit") for settings in (SETTINGS, mirrored)]
    assert [one["dice_2d_mean"] for one in found] == pytest.approx([2 / 3, 1])


def test_an_image_without_a_drawn_wall_counts_for_the_cavity_alone(tmp_path):
    labels = np.full((3, 4, 4), 255)
    labels[0], labels[0, 0], labels[0, 1] = 0, 1, 2
    labels[1, :2] = 1  # all else is not known
    found = judge(Bright(3), samples(tmp_path, labels), ALL, SETTINGS, "unit")
    assert found["dice_2d_mean"] == pytest.approx(1)
    assert found["dice_pooled"] == pytest.approx(2 * 12 / (16 + 16))


def test_images_of_known_patients_are_counted():
    assert overlap(["p", "p", "q", "r"], ["p", "r", "s"]) == {
        "images": 4,
        "patients": 3,
        "patients_learnt_from": 2,
        "images_learnt_from_percent": 75.0,
    }
    assert overlap([], ["p"])["images_learnt_from_percent"] is None
