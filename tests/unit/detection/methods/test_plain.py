"""`centre` and `reference`: what every method must beat, and what none can."""

import numpy as np
import pytest
from hearts import nothing_to_find, scene

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.methods import centre, reference
from lvpipe.labels import CAVITY, MYOCARDIUM, NOT_ANNOTATED


def drawn(slices=5, where=(1, 3)) -> np.ndarray:
    """Frame 0 drawn in some slices, each a little farther right."""
    labels = np.full((2, slices, 60, 70), NOT_ANNOTATED, np.uint8)
    for z in where:
        labels[0, z] = 0
        labels[0, z, 20:41, 20 + z : 41 + z] = MYOCARDIUM
        labels[0, z, 25:36, 25 + z : 36 + z] = CAVITY
    return labels


def test_the_centre_is_the_middle_of_the_image():
    found = centre.find(scene(np.zeros((2, 2, 101, 80)), 1.5), DetectSettings(side_mm=40))
    np.testing.assert_allclose(found.squares, [[50, 39.5, 40 / 1.5]] * 2)
    assert found.score == 0


@pytest.mark.parametrize("name", nothing_to_find())
def test_every_image_has_a_centre(name):
    asked = nothing_to_find()[name]
    assert len(centre.find(asked, DetectSettings()).squares) == asked.cine_tzyx.shape[1]


def test_a_slice_that_nobody_drew_has_the_nearest_ones_square():
    cine = np.zeros((2, 5, 60, 70))
    found = reference.find(scene(cine, reference_tzyx=drawn()), DetectSettings(margin=1.2))
    np.testing.assert_allclose(found.squares[:, 1], [31, 31, 31, 33, 33], err_msg="of two as near, the first")
    np.testing.assert_allclose(found.squares[:, 2], 21 * 1.2)
    np.testing.assert_array_equal(np.isfinite(found.scores), [False, True, False, True, False])


@pytest.mark.parametrize("labels", [None, drawn(where=()), np.zeros((2, 5, 60, 70), np.uint8)])
def test_where_nobody_drew_nothing_is_found(labels):
    found = reference.find(scene(np.zeros((2, 5, 60, 70)), reference_tzyx=labels), DetectSettings())
    assert not found.found
    assert "drawn" in found.reason or "drew" in found.reason
