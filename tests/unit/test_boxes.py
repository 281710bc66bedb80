from dataclasses import replace

import numpy as np
import pytest

from lvpipe.boxes import Boxes, read_boxes, read_finding, write_boxes
from lvpipe.errors import Rejected, UserError

FOUND = Boxes(
    method="lbp_cnn",
    pixel_mm=1.25,
    squares=((60.5, 41.25, 80.0), (61.0, 40.0, 72.0)),
    score=0.9,
    scores=(0.9, None),
    reason="fourier finds the heart 41 mm away",
    doubtful=True,
    rivals={"lbp_cnn": (60.75, 40.625), "fourier": (20.0, 30.0), "locator": None},
    proposals=((0.0, 60.5, 41.25, 80.0, 0.9),),
)


def test_boxes_survive_the_disk(tmp_path):
    write_boxes(tmp_path / "b.json", FOUND)
    assert read_boxes(tmp_path / "b.json") == FOUND
    assert FOUND.array.shape == (2, 3)


def test_numbers_are_kept_to_a_thousandth(tmp_path):
    write_boxes(tmp_path / "b.json", replace(FOUND, squares=((60.50049, 41.2499, 80.0),) * 2))
    assert read_boxes(tmp_path / "b.json").squares[0] == (60.5, 41.25, 80.0)


def test_a_rejected_case_has_no_boxes(tmp_path):
    (tmp_path / "b.json").touch()
    with pytest.raises(Rejected, match="rejected earlier"):
        read_boxes(tmp_path / "b.json")


def test_where_no_heart_was_found_the_reason_is_told(tmp_path):
    none = Boxes("fourier", 1.0, (), score=0.02, reason="nothing moves")
    write_boxes(tmp_path / "b.json", none)
    with pytest.raises(Rejected, match="no heart was found: nothing moves"):
        read_boxes(tmp_path / "b.json")
    assert read_finding(tmp_path / "b.json") == none
    np.testing.assert_array_equal(none.array, np.empty((0, 3)))


def test_rivals_are_as_far_off_as_the_middles_of_the_study():
    assert FOUND.rivals_mm() == {"fourier": pytest.approx(1.25 * np.hypot(40.75, 10.625)), "locator": None}
    assert replace(FOUND, squares=()).rivals_mm() == {"fourier": None, "locator": None}


@pytest.mark.parametrize("content", ["{}", "[]", '{"method": "x", "side_px": 64, "pixel_mm2": 1.0, "corners_px": []}'])
def test_a_box_file_of_another_version_is_named(tmp_path, content):
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(UserError, match=r"b\.json: not a box file of this version .*delete it and run again"):
        read_finding(tmp_path / "b.json")
