import numpy as np
import pytest

from lvpipe.scoring.pooled import SUMS, add_up, pool


@pytest.fixture
def reference():
    """Frame 0: a cavity with its wall, a cavity alone, a blank slice; frame 1: nobody drew."""
    labels = np.full((2, 3, 4, 4), 255, np.uint8)
    labels[0] = 0
    labels[0, :2, 0] = 1
    labels[0, 0, 1] = 2
    return labels


def written(rows):
    return [{name: str(value) for name, value in row.items()} for row in rows]


def test_a_cavity_has_two_channels_in_every_drawn_slice(reference):
    rows = pool({"cavity": (reference == 1).astype(float)}, reference)
    assert [(row["method"], row["channels"], row["images"]) for row in rows] == [("model", 2, 3), ("background", 2, 3)]
    channels, total = add_up(written(rows) + written(rows), "model")
    assert (channels, total.images, total.dice_pooled, total.iou_pooled) == (2, 6, 1, 1)
    assert add_up(written(rows), "background")[1].dice_pooled == pytest.approx(1 - 8 / 48)


def test_two_labels_are_judged_where_the_wall_is_known(reference):
    probs = {"cavity": (reference == 1).astype(float), "myocardium": (reference == 2).astype(float)}
    model, background = pool(probs, reference)
    assert (model["channels"], model["images"], model["shared"]) == (3, 2, 2 * 16)
    assert background["shared"] == 2 * 16 - 8
    said = {"background": np.zeros(reference.shape)}
    assert pool(probs | said, reference)[0]["shared"] == 8, "what the model says of the background counts as it is"


def test_where_nobody_drew_the_sums_are_zero(reference):
    nobody = np.full_like(reference, 255)
    assert all(row[name] == 0 for row in pool({"cavity": np.zeros(reference.shape)}, nobody) for name in SUMS)
    assert add_up([], "model")[0] == 0
