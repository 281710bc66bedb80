import numpy as np
import pytest
from test_rings import heart

from lvpipe.boxes import read_boxes
from lvpipe.config.detect import DetectSettings
from lvpipe.images import is_rejected, write_image, write_rejected
from lvpipe.stages.detect import find_boxes, moving_centre


def chest(centres, frames=12, shape=(160, 180), noise=2.0) -> np.ndarray:
    """A disk that beats at each slice's centre, beside a brighter and larger one that does not."""
    y, x = np.indices(shape)
    random = np.random.default_rng(0)
    cine = np.zeros((frames, len(centres), *shape))
    for t in range(frames):
        radius = 24 - 8 * (1 - np.cos(2 * np.pi * t / frames)) / 2
        for z, (row, column) in enumerate(centres):
            cine[t, z] = 200 * (np.hypot(y - row, x - column) < radius) + 30
            cine[t, z] += 900 * (np.hypot(y - 120, x - 40) < 30)
    return np.rint(cine + random.normal(0, noise, cine.shape)).astype(np.int16)


def middles(boxes) -> np.ndarray:
    return np.array(boxes.corners_px) + boxes.side_px / 2


@pytest.mark.parametrize("centre", [(60, 110), (45, 125), (90, 95), (50, 60)])
@pytest.mark.parametrize("band", [20, 60])
def test_what_beats_is_found_and_what_stands_still_is_not(centre, band):
    found = moving_centre(chest([centre])[:, 0], band)
    assert np.hypot(*np.subtract(found, centre)) < 20


def test_the_middle_of_the_band_is_the_centre_of_the_change():
    frames = np.zeros((2, 50, 40))
    frames[1, 10:20, 25:35] = 100
    assert moving_centre(frames, 10) == (15, 30)


def test_a_band_wider_than_the_image_is_the_image():
    assert moving_centre(chest([(60, 110)])[:, 0], 500) == (80, 90)


def test_a_box_for_each_slice_or_the_median_for_all(image):
    centres = [(60, 110), (64, 114), (110, 60)]
    cine = image(chest(centres), (1, 1, 8))
    each = find_boxes(cine, DetectSettings(side_px=64, band_px=40, refine="none", per="slice"))
    assert np.abs(middles(each) - centres).max() < 15
    study = find_boxes(cine, DetectSettings(side_px=64, band_px=40, refine="none", per="study"))
    assert len(set(study.corners_px)) == 1
    np.testing.assert_allclose(middles(study)[0], np.median(middles(each), axis=0), atol=1)
    assert len(study.corners_px) == 3


def test_the_centre_is_the_middle_of_the_image(image):
    boxes = find_boxes(image(np.zeros((2, 2, 101, 80)), (1.5, 2, 8)), DetectSettings(method="centre", side_px=40))
    assert boxes.corners_px == ((30, 20), (30, 20))
    assert (boxes.method, boxes.side_px, boxes.pixel_mm2) == ("centre", 40, 3.0)


def test_a_box_may_reach_over_the_border(image):
    boxes = find_boxes(image(chest([(20, 150)]), (1, 1, 8)), DetectSettings(side_px=128, band_px=20, refine="none"))
    (top, left), *_ = boxes.corners_px
    assert top < 0
    assert left + 128 > 180


def test_the_stage_writes_boxes_and_passes_rejections_on(lvpipe, image, tmp_path):
    wanted = DetectSettings(side_px=64, band_px=40)
    cine = image(chest([(60, 110)] * 2), (1, 1, 8))
    write_image(tmp_path / "cine.nii.gz", cine)
    write_rejected(tmp_path / "rejected.nii.gz")
    for name in ("cine", "rejected"):
        paths = ("--cine", tmp_path / f"{name}.nii.gz", "--out", tmp_path / f"{name}.json")
        assert lvpipe("detect", *paths, "--settings", wanted.canonical()) == 0
    assert read_boxes(tmp_path / "cine.json") == find_boxes(cine, wanted)
    assert is_rejected(tmp_path / "rejected.json")


def test_the_centre_moves_from_what_moves_most_to_the_ring(image):
    cine = image(np.clip(heart((70, 110)), 0, 255)[:, None].repeat(4, axis=1).astype(np.uint8), (1, 1, 8))
    plain, refined = (
        middles(find_boxes(cine, DetectSettings(side_px=64, band_px=40, refine=how))) for how in ("none", "ring")
    )
    assert np.abs(plain - (70, 110)).max() > 20, "the crescent beside it moves more"
    assert np.abs(refined - (70, 110)).max() < 10
    each = middles(find_boxes(cine, DetectSettings(side_px=64, band_px=40, per="slice")))
    assert np.abs(each - (70, 110)).max() < 10
    tied = middles(find_boxes(cine, DetectSettings(side_px=64, band_px=40, reach_px=5)))
    assert np.abs(tied - plain).max() <= 6
