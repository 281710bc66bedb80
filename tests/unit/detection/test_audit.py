from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Picture

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.detection.audit import draw_boxes
from lvpipe.images import Image, write_image, write_rejected

GREEN, AMBER, PINK, RED = (0, 158, 115), (230, 159, 0), (204, 121, 167), (213, 94, 0)
PANEL = 624
LEFT = 14


def cine(slices=5, shape=(80, 100)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (2, slices, *shape)).astype(np.uint8)


def found(**more) -> Boxes:
    return Boxes("lbp_cnn", 2.0, ((40.0, 50.0, 20.0),) * 5, 0.9, (0.9, 0.8, None, 0.7, 0.6), **more)


def drawn(boxes, **more) -> np.ndarray:
    png = draw_boxes("7", cine(**more), boxes)
    assert png == draw_boxes("7", cine(**more), boxes)
    return np.asarray(Picture.open(BytesIO(png)).convert("RGB")).astype(int)


def has(picture, colour) -> np.ndarray:
    """Where a colour is, up to what a palette of few colours changes."""
    return np.abs(picture - colour).max(axis=2) <= 4


def panel(picture) -> np.ndarray:
    """The large picture: below a title and one line, 624 pixels a side."""
    top = 3 * LEFT + 20 + 17
    return picture[top : top + PANEL, LEFT : LEFT + PANEL]


def test_the_box_lies_where_the_file_says():
    rows, columns = np.nonzero(has(panel(drawn(found(proposals=((1, 10, 10, 8, 0.5),)))), GREEN))
    scale = PANEL / 100
    expected = [(40 - 10 + 0.5) * scale, (40 + 10 + 0.5) * scale, (50 - 10 + 0.5) * scale, (50 + 10 + 0.5) * scale]
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == pytest.approx(expected, abs=3)


def cell(picture, z) -> np.ndarray:
    """One of the first row's small pictures."""
    side = (PANEL - 2 * LEFT) // 3
    left = 2 * LEFT + PANEL + z * (side + LEFT)
    return picture[79 : 79 + side, left : left + side]


def test_a_box_of_the_neighbour_is_dashed_and_of_another_colour():
    picture = drawn(found())
    own, copied = (has(cell(picture, z), colour) for z, colour in ((1, GREEN), (2, AMBER)))
    assert not has(cell(picture, 1), AMBER).any()
    assert not has(cell(picture, 2), GREEN).any()
    assert 0.3 < copied.sum() / own.sum() < 0.7
    assert not has(drawn(Boxes("centre", 2.0, ((40.0, 50.0, 20.0),) * 5)), AMBER).any()


def test_rivals_are_crosses_at_their_places():
    boxes = found(rivals={"lbp_cnn": (40.0, 50.0), "fourier": (40.0, 20.0), "locator": None})
    rows, columns = np.nonzero(has(panel(drawn(boxes)), PINK))
    assert columns.min() == pytest.approx((20 + 0.5) * PANEL / 100 - 8, abs=2)
    assert rows.min() == pytest.approx((40 + 0.5) * PANEL / 100 - 8, abs=2)
    assert not has(panel(drawn(found(rivals={"lbp_cnn": (40.0, 50.0), "locator": None}))), PINK).any()


def test_proposals_show_in_their_slice_alone():
    proposals = tuple((2.0, float(10 + k), 20.0, 12.0, k / 9) for k in range(10))
    elsewhere = tuple((4.0, *rest) for _, *rest in proposals)
    best = (2.0, 60.0, 80.0, 12.0, 1.0)
    alone, more = drawn(found(proposals=(best, *elsewhere))), drawn(found(proposals=(best, *proposals)))
    assert (panel(alone) != panel(more)).any(axis=2).sum() > 100
    assert (alone[:, PANEL + 28 :] == more[:, PANEL + 28 :]).all()


def test_no_heart_is_told_in_red_and_has_no_box():
    picture = drawn(Boxes("lbp_cnn", 2.0, (), 0.1, reason="every slice is constant"))
    assert has(picture[:79], RED).any()
    assert not has(panel(picture), GREEN).any()


def test_doubt_is_told():
    picture = drawn(Boxes("fourier", 2.0, ((40.0, 50.0, 20.0),) * 5, doubtful=True, reason="the methods disagree"))
    assert has(picture[:90], AMBER).any()


@pytest.mark.parametrize(("slices", "shape"), [(1, (30, 200)), (14, (64, 64)), (61, (20, 20))])
def test_any_stack_has_a_picture(slices, shape):
    boxes = Boxes("centre", 1.0, ((-4.0, 300.0, 500.0),) * slices)
    assert drawn(boxes, slices=slices, shape=shape).shape[1] == 2 * PANEL + 3 * 14


def test_the_step_passes_a_rejected_case_on(lvpipe, tmp_path):
    write_image(tmp_path / "a_cine.nii.gz", Image(cine(), np.eye(4)))
    write_boxes(tmp_path / "a_boxes.json", found())
    write_rejected(tmp_path / "b_cine.nii.gz", tmp_path / "b_boxes.json")
    words = ("--cases", "a", "b", "--views", tmp_path, "--boxes", tmp_path, "--out", tmp_path / "o")
    assert lvpipe("detect", "picture", *words) == 0
    assert (tmp_path / "o" / "a_boxes.png").read_bytes() == draw_boxes("a", cine(), found())
    assert (tmp_path / "o" / "b_boxes.png").read_bytes() == b""
