import numpy as np
import pytest

from lvpipe.compat_metrics import POOLED_MEASURES
from lvpipe.scoring.masks import DICE
from lvpipe.scoring.summary import SEGMENTATION, summarise_masks
from lvpipe.tables import SheetRow

WHO = {"model": "m", "cohort": "c", "split": "test", "label": "cavity"}
SHEET = {
    case: SheetRow("c", case, "test", patient, 0, 1.0, 1.0, 50.0, "F", "ok", "")
    for case, patient in (("a", "p"), ("b", "p"), ("d", "q"))
}
SUMS = {"method": "model", "channels": "2", "images": "2", "iou": "1.5", "right": "30", "elements": "40"}
SUMS |= {"said": "25", "hit": "10", "true": "20"}


def row(case, dice, place="0", **cells):
    known = {"dice": dice, "recall": dice, "precision": dice, "case": case, "slice": place}
    return {**dict.fromkeys(DICE, ""), **WHO, **known, **cells}


@pytest.fixture
def rows():
    """One patient with two studies and a missed slice, another with an extra slice and one where neither drew."""
    dice = [
        row("a", "0.9", level="basal", good="1", apd_mm="1"),
        row("a", "0", level="apical", good="0", precision=""),
        row("b", "0.8", level="basal", good="1", apd_mm="3", area_error_mm2="-8"),
        row("d", "0.7", level="basal", good="1", apd_mm="4", area_error_mm2="2"),
        row("d", "0", recall=""),
        row("d", ""),
        row("a", "0.85", ""),
        row("d", "0.75", ""),
        row("d", "0.6", label="myocardium"),
    ]
    pooled = {
        ("m", "a"): [SUMS | {"shared": "8", "both": "20"}, SUMS | {"method": "background", "shared": "9", "both": "20"}]
    }
    return list(summarise_masks(dice, pooled, SHEET))


def of(rows, **wanted):
    found = [row for row in rows if wanted.items() <= row.items()]
    assert len(found) == 1, found
    return found[0]


def test_missed_and_extra_slices_count_and_blank_ones_do_not(rows):
    whole = of(rows, model="m", label="cavity", level="all")
    assert tuple(whole) == SEGMENTATION
    assert (whole["patients"], whole["slices"], whole["missed"], whole["extra"]) == (2, 5, 1, 1)
    assert whole["dice_2d_mean"] == pytest.approx((0.9 + 0.8 + 0.7) / 5)
    assert (whole["dice_2d_median"], whole["dice_2d_zero_percent"]) == (0.7, pytest.approx(40))
    assert whole["area_bias_mm2"] == -3
    assert (whole["stacks"], whole["dice_3d_mean"], whole["dice_3d_median"]) == (2, 0.8, 0.8)


def test_the_challenges_figures_are_means_of_patients(rows):
    whole = of(rows, model="m", label="cavity", level="all")
    assert whole["good_percent"] == pytest.approx(100 * (2 / 3 + 1) / 2), "the extra slice is nobody's"
    assert whole["dice_good"] == pytest.approx((0.85 + 0.7) / 2)
    assert whole["apd_good_mm"] == pytest.approx((2 + 4) / 2)


def test_levels_and_labels_have_rows_of_their_own(rows):
    assert of(rows, label="cavity", level="basal")["dice_2d_mean"] == pytest.approx(0.8)
    assert of(rows, label="cavity", level="apical")["good_percent"] == 0
    assert np.isnan(of(rows, label="cavity", level="mid")["dice_2d_mean"])
    assert of(rows, label="myocardium", level="all")["slices"] == 1


def test_pooled_figures_stand_beside_those_of_an_empty_mask(rows):
    names = ("channels", *POOLED_MEASURES)
    whole = of(rows, model="m", label="cavity", level="all")
    assert [whole[name] for name in names] == [2, 0.8, 0.75, 0.75, 0.4, 0.5]
    assert of(rows, label="myocardium", level="all")["dice_pooled"] is None, "they are of all labels: told once"
    background = of(rows, model="background")
    assert (background["dice_pooled"], background["dice_2d_mean"], background["good_percent"]) == (0.9, 0, 0)
