from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Picture

from lvpipe.files import write_table
from lvpipe.images import write_image
from lvpipe.scoring.gallery import choose, draw_gallery, write_gallery
from lvpipe.scoring.masks import MASKS, compare_masks


def row(case, dice, place):
    return {"case": case, "label": "cavity", "frame": "0", "slice": str(place), "dice": str(dice)}


def told(rows):
    return [(row["case"], row["dice"]) for row in rows]


def test_each_row_shows_as_many_cases_as_there_are():
    rows = [row("a", dice, place) for place, dice in enumerate((0.1, 0.2, 0.5, 0.95))]
    rows += [row("b", dice, place) for place, dice in enumerate((0.4, 0.6, 0.9))]
    rows += [row("a", "", 9), row("a", 0.0, "") | {"slice": ""}, row("b", 0.0, 8) | {"label": "myocardium"}]
    chosen = choose(rows, 3)
    assert told(chosen["best"]) == [("a", "0.95"), ("b", "0.9"), ("b", "0.6")]
    assert told(chosen["worst"]) == [("a", "0.1"), ("b", "0.4"), ("a", "0.2")]
    assert told(chosen["median"]) == [("a", "0.5"), ("b", "0.4"), ("b", "0.6")]


@pytest.fixture
def results(tmp_path, image):
    """One drawn frame of four slices; the model's discs are the smaller the nearer to the apex, the last is missed."""
    y, x = np.mgrid[:96, :96]
    reference, mask = (np.zeros((1, 4, 96, 96), np.uint8) for _ in range(2))
    for z, radius in enumerate((14, 11, 8, 0)):
        reference[0, z], mask[0, z] = (np.hypot(y - 30, x - 60) < size for size in (15, radius))
    cine = np.where(reference, 200, 60).astype(np.int16)
    write_image(tmp_path / "convert" / "a_cine.nii.gz", image(cine))
    write_image(tmp_path / "convert" / "a_reference.nii.gz", image(reference))
    write_image(tmp_path / "postprocess" / "m" / "a_mask.nii.gz", image(mask))
    table = compare_masks(image(mask), image(reference), ["cavity"], hausdorff=False)
    write_table(tmp_path / "score" / "m" / "a_dice.csv", MASKS, table)
    return tmp_path


def test_the_picture_has_both_contours_and_the_same_bytes(results):
    outs = [results / "one.png", results / "two.png"]
    for out in outs:
        write_gallery("m", ["a"], results, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    pixels = np.asarray(Picture.open(outs[0]).convert("RGB")).astype(int)
    red, green, blue = np.moveaxis(pixels, 2, 0)
    expert, ours = (green > 140) & (red < 30), (red > 200) & (blue < 30)
    assert expert.sum() > ours.sum() > 1000, "ours are smaller, and one is missed"


def test_without_slices_there_is_a_sheet_all_the_same():
    assert Picture.open(BytesIO(draw_gallery("m", {"best": []}))).size[0] > 1000
