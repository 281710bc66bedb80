"""What a box file says of how sure a heart is, whatever method found it."""

from dataclasses import replace

import numpy as np
import pytest
from hearts import heart, scene

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.methods import fourier
from lvpipe.detection.steps.find import find_boxes

FAR = heart((70, 40), shape=(140, 240))[:, None].repeat(4, axis=1)
MIDDLE = heart((70, 120), shape=(140, 240))[:, None].repeat(4, axis=1)


def centre(cine, **rest):
    return find_boxes(scene(cine), DetectSettings(method="centre", **{"rivals": ("fourier",), **rest}))


def test_methods_that_agree_leave_no_doubt():
    boxes = centre(MIDDLE)
    assert (boxes.doubtful, boxes.reason) == (False, "")
    assert set(boxes.rivals) == {"centre", "fourier"}
    assert np.hypot(*np.subtract(boxes.rivals["fourier"], (70, 120))) < 8


def test_a_rival_elsewhere_is_told_and_the_score_says_so():
    boxes = find_boxes(scene(FAR), DetectSettings(method="fourier", rivals=("centre",)))
    assert boxes.doubtful
    assert boxes.reason.startswith("centre finds the heart 79 mm away")
    assert boxes.score <= 0.5


@pytest.mark.parametrize(
    ("cine", "told"),
    [
        (MIDDLE[:1], "a single frame"),
        (MIDDLE[:1].repeat(8, axis=0), "8 frames that are all alike: nothing shows that it beats"),
        (MIDDLE[:, :1], "a single slice"),
    ],
)
def test_what_nothing_confirms_is_doubtful(cine, told):
    boxes = centre(cine)
    assert boxes.squares
    assert boxes.doubtful
    assert told in boxes.reason
    assert boxes.score <= 0.5


def test_a_heart_that_few_slices_show_is_doubtful(monkeypatch):
    def seldom(seen, settings):
        found = fourier_find(seen, settings)
        return replace(found, scores=np.array([0.9, np.nan, np.nan, np.nan]))

    fourier_find = fourier.find
    monkeypatch.setattr(fourier, "find", seldom)
    boxes = find_boxes(scene(MIDDLE), DetectSettings(method="fourier", rivals=()))
    assert (boxes.doubtful, boxes.reason) == (True, "it is seen in 1 of 4 slices")
    assert boxes.scores == (0.9, None, None, None)


def test_a_consensus_asks_every_rival_once(monkeypatch):
    asked = []
    find = fourier.find
    monkeypatch.setattr(fourier, "find", lambda *words: asked.append(1) or find(*words))
    settings = DetectSettings(method="consensus", rivals=("fourier", "mean_deltas"))
    boxes = find_boxes(scene(MIDDLE), settings)
    assert len(asked) == 1
    assert set(boxes.rivals) == {"consensus", "fourier", "mean_deltas"}
    assert np.hypot(*np.subtract(boxes.rivals["consensus"], (70, 120))) < 8
