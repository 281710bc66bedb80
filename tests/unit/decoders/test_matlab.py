from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from lvpipe.decoders.matlab import read_frames
from lvpipe.study import Content, ImageFile, Unreadable

FILE = ImageFile(Path("x.mat"), "slice", (), 0)
IMAGE = np.arange(6 * 5 * 20, dtype=np.int16).reshape(6, 5, 20)  # rows, columns, frames
INNER = np.zeros((6, 5, 20), np.uint8)
INNER[2:4, 2:4] = 1
OUTER = np.zeros((6, 5, 20), np.uint8)
OUTER[1:5, 1:5] = 1
ONE = {"image": IMAGE, "endo": INNER, "epi": OUTER, "pix_spacing": [[1.5]]}


def matlab(table, **options) -> bytes:
    stream = BytesIO()
    savemat(stream, table, **options)
    return stream.getvalue()


def opened(table, subject: int | None = None):
    content = table if isinstance(table, bytes) else matlab(table, do_compression=True)
    return read_frames(FILE, lambda path: Content(content, "0" * 64), subject, 20, 8.0)


def test_rows_are_y_and_the_last_axis_is_time():
    frames = opened(ONE)
    assert [frame.instance for frame in frames] == list(range(1, 21))
    for t, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.pixels_yx, IMAGE[:, :, t])
    assert frames[0].plane.shape_yx == (6, 5)
    assert frames[0].plane.spacing_yx_mm == (1.5, 1.5)
    assert frames[0].thickness_mm == 8.0


@pytest.mark.parametrize("outer", [OUTER, OUTER - INNER])
def test_muscle_is_between_the_borders_whether_the_outer_mask_is_filled_or_a_ring(outer):
    labels = opened(ONE | {"epi": outer})[3].labels_yx
    assert np.bincount(labels.ravel()).tolist() == [30 - 16, 4, 12]
    assert labels[2, 2] == 1


def test_a_frame_without_a_cavity_is_not_annotated_nor_is_a_file_without_masks():
    inner = INNER.copy()
    inner[:, :, 5] = 0
    frames = opened(ONE | {"endo": inner})
    assert [t for t, frame in enumerate(frames) if frame.labels_yx is None] == [5]
    assert all(frame.labels_yx is None for frame in opened({"image": IMAGE, "pix_spacing": 1.5}))


def test_masks_of_another_shape_are_dropped():
    frames = opened(ONE | {"epi": OUTER[:-1]})
    assert frames[0].labels_yx is None
    assert [rule for rule, _ in frames[0].notes] == ["drop_labels"]


def many(**changes):
    table = {"images_LV": np.concatenate([IMAGE, IMAGE + 1000, IMAGE + 2000], axis=2)}
    table |= {"endo_LV": np.tile(INNER, 3), "epi_LV": np.tile(OUTER, 3), "pix_spa": np.array([[1.0], [1.5], [2.0]])}
    return table | changes


@pytest.mark.parametrize(
    ("ratio", "pixel_mm"),
    [
        ({"ratio_resize_inverse": np.repeat([[1.0, 2.0, 3.0]], 20, axis=0)}, 3.0),
        ({"ratio_resize_back": np.array([[1.0, 1.2, 3.0]])}, 1.8),
        ({"ratio": 1.2}, 1.8),
        ({}, 1.5),
    ],
)
def test_one_subject_of_many(ratio, pixel_mm):
    frames = opened(many(**ratio), subject=1)
    assert len(frames) == 20
    np.testing.assert_array_equal(frames[2].pixels_yx, IMAGE[:, :, 2] + 1000)
    assert frames[0].plane.spacing_yx_mm == pytest.approx((pixel_mm, pixel_mm))


@pytest.mark.parametrize(
    ("table", "subject", "cause"),
    [
        ({"pix_spacing": 1.5}, None, "no variable image or"),
        ({"image": IMAGE}, None, "no variable pix_spacing"),
        ({"image": IMAGE[:, :, 0], "pix_spacing": 1.5}, None, "expected rows, columns and frames"),
        ({"image": "text", "pix_spacing": 1.5}, None, "no variable image"),
        (ONE | {"pix_spacing": 0.0}, None, "pixels of 0 mm"),
        (ONE | {"pix_spacing": np.nan}, None, "pixels of nan mm"),
        (many(), 3, "subject 4 of 60 frames"),
        (many(pix_spa=[1.0, 2.0]), 1, "2 values for 3 subjects"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + bytes(600), None, "version 7.3 .HDF5.; expected version 7"),
        (b"Secret", None, "no MATLAB file of version 5 to 7"),
        (b"", None, "no MATLAB file of version 5 to 7"),
    ],
)
def test_what_cannot_be_used_says_why_and_quotes_nothing(table, subject, cause):
    with pytest.raises(Unreadable, match=cause) as caught:
        opened(table, subject)
    assert "Secret" not in str(caught.value)
