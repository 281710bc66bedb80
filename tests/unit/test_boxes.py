import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.boxes import Boxes, crop, read_boxes, write_boxes
from lvpipe.errors import Rejected

IMAGE = np.arange(1, 2 * 3 * 20 * 30 + 1).reshape(2, 3, 20, 30)


def boxes(*corners, side=8) -> Boxes:
    return Boxes("centre", side, 1.0, corners)


def test_boxes_survive_the_disk(tmp_path):
    wanted = Boxes("mean_deltas", 64, 2.25, ((3, -4), (5, 6)))
    write_boxes(tmp_path / "b.json", wanted)
    assert read_boxes(tmp_path / "b.json") == wanted
    assert wanted.area_mm2 == 64 * 64 * 2.25


def test_a_rejected_case_has_no_boxes(tmp_path):
    (tmp_path / "b.json").touch()
    with pytest.raises(Rejected):
        read_boxes(tmp_path / "b.json")


def test_each_slice_has_a_box_of_its_own():
    cut = crop(IMAGE, boxes((0, 0), (12, 22), (5, 7)))
    assert cut.shape == (2, 3, 8, 8)
    np.testing.assert_array_equal(cut[:, 0], IMAGE[:, 0, :8, :8])
    np.testing.assert_array_equal(cut[:, 1], IMAGE[:, 1, 12:, 22:])
    np.testing.assert_array_equal(cut[:, 2], IMAGE[:, 2, 5:13, 7:15])


@settings(deadline=None, derandomize=True, max_examples=100)
@given(top=st.integers(-70, 80), left=st.integers(-70, 80), side=st.sampled_from([1, 8, 25, 64]))
def test_outside_the_image_is_zero(top, left, side):
    cut = crop(IMAGE, boxes(*[(top, left)] * 3, side=side))
    expected = np.zeros((2, 3, side, side), IMAGE.dtype)
    for y in range(side):
        for x in range(side):
            if 0 <= top + y < 20 and 0 <= left + x < 30:
                expected[:, :, y, x] = IMAGE[:, :, top + y, left + x]
    np.testing.assert_array_equal(cut, expected)
