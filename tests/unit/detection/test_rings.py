import numpy as np
import pytest
from hearts import heart

from lvpipe.detection.rings import best_places, ring_score, strongest_place, wall_contrast


@pytest.mark.parametrize("radius", [16.0, 20.0, 30.0])
@pytest.mark.parametrize("pixel_mm", [1.0, 2.0])
def test_the_ventricle_is_the_disk_in_a_ring(radius, pixel_mm):
    shape = (round(140 / pixel_mm), round(160 / pixel_mm))
    centre = (70 / pixel_mm, 100 / pixel_mm)
    score = ring_score(heart(centre, radius, shape, pixel_mm=pixel_mm), pixel_mm)
    assert score.shape == shape
    assert (score >= 0).all()
    cine = heart(centre, radius, shape, pixel_mm=pixel_mm)[:, None]
    found = strongest_place(cine, (70 / pixel_mm, 60 / pixel_mm), 200, pixel_mm)
    assert np.hypot(*(found - centre)) * pixel_mm < 8


def test_only_places_within_reach_count():
    score = np.zeros((100, 100))
    score[20, 20], score[70, 70] = 10, 1
    assert best_places(score, (50.0, 50.0), 100, 1.0).tolist() == [[20, 20], [70, 70]]
    assert best_places(score, (65.0, 65.0), 20, 1.0).tolist() == [[70, 70]]


def test_a_wall_must_be_dark_all_around():
    """The right ventricle's is, at the septum; on its other side lie a thin wall and bright fat."""
    y, x = np.indices((120, 120)) - 60.0
    distance = np.hypot(y, x)
    whole = np.where(distance < 21, 200.0, np.where(distance < 33, 30.0, 180.0))
    half = np.where((distance >= 21) & (x > 10), 180.0, whole)
    assert wall_contrast(whole, np.array([60, 60]), 1.0) > 0.7
    assert wall_contrast(half, np.array([60, 60]), 1.0) < 0.3


def test_where_nothing_scores_the_centre_stays():
    flat = np.full((4, 2, 60, 70), 50.0)
    assert not ring_score(flat[:, 0], 1.0).any()
    assert strongest_place(flat, (30.5, 12.0), 40, 1.0).tolist() == [30.5, 12.0]
