import numpy as np
import pytest

from lvpipe.scoring.masks import MASKS, compare_masks, levels

SPACING = (1.5, 2.0, 10.0)


@pytest.fixture
def pair(image):
    """Frame 1 is drawn in slices 0 and 1: half overlap in 0, nothing in 1; slice 2 and frame 0 are not annotated."""
    mask, reference = np.ones((2, 3, 12, 12), np.uint8), np.full((2, 3, 12, 12), 255, np.uint8)
    mask[1], reference[1, :2] = 0, 0
    mask[1, 0, 2:6, 2:6], reference[1, 0, 2:6, 4:8] = 1, 1
    reference[1, 0, 9:11] = mask[1, 0, 9:11] = 2
    mask[1, 2, :4] = 1
    return image(mask, SPACING), image(reference, SPACING)


def rows_of(label, pair, hausdorff=True):
    rows = list(compare_masks(*pair, ("cavity", "myocardium"), hausdorff=hausdorff))
    assert {tuple(sorted(row)) for row in rows} == {tuple(sorted(MASKS))}
    return [row for row in rows if row["label"] == label]


def test_only_what_was_drawn_is_compared(pair):
    first, blank, stack = rows_of("cavity", pair)
    assert [(row["frame"], row["slice"], row["dimensions"]) for row in (first, blank, stack)] == [
        (1, 0, 2),
        (1, 1, 2),
        (1, None, 3),
    ]
    assert (first["dice"], first["iou"]) == pytest.approx((0.5, 1 / 3))
    assert (first["precision"], first["recall"], first["accuracy"]) == pytest.approx((0.5, 0.5, 1 - 16 / 144))
    assert first["hd95_mm"] == pytest.approx(3.0), "two pixels of 1.5 mm in x"
    assert 0 < first["apd_mm"] < 3.0
    assert first["good"] == 1
    assert first["area_error_mm2"] == 0
    unknown = ("dice", "iou", "precision", "recall", "hd95_mm", "apd_mm")
    assert np.isnan([blank[name] for name in unknown]).all()
    assert (blank["accuracy"], blank["good"], blank["level"]) == (1, None, "")
    assert (stack["dice"], stack["hd95_mm"]) == pytest.approx((0.5, 3.0))
    assert (stack["apd_mm"], stack["good"]) == (None, None)


def test_a_wall_is_compared_where_it_is_known_and_asked_for(pair):
    rows = rows_of("myocardium", pair)
    assert [row["slice"] for row in rows] == [0, 1, None]
    assert [row["dice"] for row in rows] == pytest.approx([1, np.nan, 1], nan_ok=True)
    mask, reference = pair
    reference.array_tzyx[1, 1, :2] = 1
    assert [row["slice"] for row in rows_of("myocardium", pair)] == [0, None], "a cavity alone: its wall was left out"
    assert {row["label"] for row in compare_masks(*pair, ["cavity"], hausdorff=False)} == {"cavity"}
    mask.array_tzyx[mask.array_tzyx == 2] = 0
    assert [row["dice"] for row in rows_of("myocardium", pair)] == [0, 0], "a wall that was missed"
    reference.array_tzyx[reference.array_tzyx == 2] = 0
    assert rows_of("myocardium", pair) == []


def test_who_drew_alone(pair):
    mask = pair[0]
    mask.array_tzyx[1, 0], mask.array_tzyx[1, 1, 0, :5] = 0, 1
    missed, extra, _ = rows_of("cavity", pair, hausdorff=False)
    assert (missed["dice"], missed["recall"], missed["good"]) == (0, 0, 0)
    assert (extra["dice"], extra["precision"], extra["good"]) == (0, 0, None)
    assert np.isnan([missed["precision"], extra["recall"], missed["hd95_mm"]]).all()


def test_an_area_error_has_a_sign(pair):
    pair[0].array_tzyx[1, 1, 0, :5] = 1
    assert [row["area_error_mm2"] for row in rows_of("cavity", pair)] == pytest.approx([0, 15, 15])


@pytest.mark.parametrize(
    ("drawn", "expected"), [("xxx", "bma"), (".xxxxxx.", ".bbmmaa."), ("xx", "bm"), ("....", "....")]
)
def test_levels_are_thirds_of_what_was_drawn(drawn, expected):
    found = levels(np.array([letter == "x" for letter in drawn]))
    assert "".join(name[:1] or "." for name in found) == expected
