import numpy as np
import pytest

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.detection.judging import SHARES, SLICES, Drawn, judge, shares
from lvpipe.files import read_table
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.squares import reference_squares

PIXEL_MM = 2.0
MARGIN = 1.2


def reference(slices=4) -> np.ndarray:
    """Two drawn frames: cavities of 10 x 10 pixels about (24.5, 29.5) within muscle of 20, at ES half as wide."""
    labels = np.full((3, slices, 60, 60), 255, np.uint8)
    labels[[0, 2]] = 0
    for frame, half in ((0, 5), (2, 3)):
        labels[frame, :, 15:35, 20:40] = 2
        labels[frame, :, 25 - half : 25 + half, 30 - half : 30 + half] = 1
    return labels


def drawn(labels=None) -> Drawn:
    labels = reference() if labels is None else labels
    return Drawn(labels, reference_squares(labels, PIXEL_MM, MARGIN))


def boxes(*squares, **more) -> Boxes:
    return Boxes("lbp_cnn", PIXEL_MM, squares, **more)


def test_a_perfect_box():
    row = judge("a", boxes(*[(24.5, 29.5, 24.0)] * 4), drawn()).rows[1]
    assert (row["found"], row["holds"], row["mid"], row["copied"]) == (1, 1, 1, 0)
    assert (row["iou"], row["centre_mm"]) == pytest.approx((1, 0))
    assert row["fill"] == pytest.approx(100 / 24**2)


def test_a_box_that_is_off():
    rows = judge("a", boxes(*[(24.5, 35.5, 24.0)] * 4), drawn()).rows
    assert rows[0]["centre_mm"] == pytest.approx(12)
    assert rows[0]["iou"] == pytest.approx(18 / 30)
    assert rows[0]["holds"] == 1
    assert [row["mid"] for row in rows] == [0, 1, 1, 0]


@pytest.mark.parametrize(("side", "holds"), [(10.0, 1), (9.9, 0)])
def test_a_box_holds_whole_pixels(side, holds):
    assert judge("a", boxes(*[(24.5, 29.5, side)] * 4), drawn()).rows[0]["holds"] == holds


def test_the_cavity_of_every_drawn_frame_is_to_be_held():
    labels = reference()
    labels[2, 0, 48, 29] = 1  # at ES alone, outside the square about the outer border at ED
    rows = judge("a", boxes(*[(24.5, 29.5, 24.0)] * 4), drawn(labels)).rows
    assert [row["holds"] for row in rows] == [0, 1, 1, 1]


def test_a_slice_that_took_its_neighbours_box_says_so():
    rows = judge("a", boxes(*[(24.5, 29.5, 24.0)] * 4, scores=(0.9, 0.8, None, 0.7)), drawn()).rows
    assert [(row["score"], row["copied"]) for row in rows] == [(0.9, 0), (0.8, 0), (None, 1), (0.7, 0)]


def test_only_drawn_slices_are_judged():
    labels = reference()
    labels[:, 1] = 255
    labels[:, 2][labels[:, 2] == 1] = 2
    assert [row["slice"] for row in judge("a", boxes(*[(24.5, 29.5, 24.0)] * 4), drawn(labels)).rows] == [0, 3]


def test_the_best_proposal_of_a_slice_counts():
    near, far = (1, 24.5, 29.5, 22.0, 0.1), (1, 24.5, 10.0, 22.0, 0.9)
    rows = judge("a", boxes(*[(5.0, 5.0, 24.0)] * 4, proposals=(far, near)), drawn()).rows
    assert [row["proposal_iou"] for row in rows] == [None, pytest.approx(22**2 / 24**2), None, None]


def test_what_was_missed_counts_in_every_share():
    good = judge("a", boxes(*[(24.5, 29.5, 24.0)] * 4, proposals=((1, 24.5, 29.5, 24.0, 1.0),)), drawn())
    none = judge("b", boxes(reason="constant"), drawn())
    rejected = judge("c", None, None)
    assert [row["found"] for row in none.rows] == [0] * 4
    assert [(row["slice"], row["found"], row["iou"]) for row in rejected.rows] == [(None, 0, None)]
    row = shares([good, none, rejected])
    assert (row["cases"], row["slices"]) == (3, 9)
    assert (row["found"], row["proposed"]) == pytest.approx((1 / 3, 1 / 3))
    assert (row["holds"], row["within_10_mm"], row["mid_filled"]) == pytest.approx((4 / 9, 4 / 9, 2 / 5))
    assert row["median_mm"] is None, "more than half were missed"


def test_a_method_without_proposals_has_no_share_of_them():
    row = shares([judge("a", boxes(*[(24.5, 32.5, 24.0)] * 4, doubtful=True), drawn())])
    assert (row["proposed"], row["median_mm"], row["doubtful"]) == (None, pytest.approx(6), 1)


def test_the_stage_writes_all_drawn_cases_of_a_view(lvpipe, sheet, tmp_path):
    affine = np.diag([PIXEL_MM, PIXEL_MM, 8.0, 1.0])
    for case, labels in (("a", reference()), ("b", reference()), ("blank", np.zeros((1, 2, 60, 60), np.uint8))):
        write_image(tmp_path / f"{case}_reference.nii.gz", Image(labels, affine))
        write_boxes(tmp_path / f"{case}_boxes.json", boxes(*[(24.5, 29.5, 24.0)] * len(labels[0])))
    write_boxes(tmp_path / "b_boxes.json", boxes(reason="constant"))
    write_rejected(tmp_path / "c_reference.nii.gz", tmp_path / "c_boxes.json")
    known = sheet(*({"cohort": "x", "case": case} for case in ("a", "b", "blank", "c")))
    words = ("--cases", known, "--boxes", tmp_path, "--references", tmp_path, "--margin", MARGIN)
    words = (*words, "--drawn", "a", "b", "blank", "c", "--out", tmp_path / "o.csv", "--summary", tmp_path / "s.csv")
    assert lvpipe("score", "boxes", *words) == 0
    rows, (summary,) = read_table(tmp_path / "o.csv"), read_table(tmp_path / "s.csv")
    assert (tuple(rows[0]), tuple(summary)) == (SLICES, SHARES)
    assert [row["case"] for row in rows] == ["a"] * 4 + ["b"] * 4 + ["c"]
    assert (summary["cohort"], summary["cases"], summary["holds"]) == ("x", "3", "0.44444444")
