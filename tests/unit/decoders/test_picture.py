from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lvpipe.decoders.picture import read_frame, read_pixels
from lvpipe.study import Content, ImageFile, LabelFile, Unreadable

GREY = np.arange(12 * 10, dtype=np.uint8).reshape(12, 10)


def picture(array, mode=None, kind="PNG") -> bytes:
    stream = BytesIO()
    made = Image.fromarray(array)
    (made.convert(mode) if mode else made).save(stream, kind)
    return stream.getvalue()


def read(path: Path) -> Content:
    return Content(path.read_bytes(), "0" * 64)


def opened(tmp_path, *masks):
    (tmp_path / "slice.png").write_bytes(picture(GREY))
    labels = []
    for number, mask in enumerate(masks):
        path = tmp_path / f"mask{number}.png"
        path.write_bytes(mask if isinstance(mask, bytes) else picture(mask))
        labels.append(LabelFile(path, 0, ((255, 1),)))
    (frame,) = read_frame(ImageFile(tmp_path / "slice.png", "03", (), 7, tuple(labels)), read, 3, 1.37, 8.0)
    return frame


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_8_bit_grey(kind):
    found = read_pixels(picture(GREY, kind=kind))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, GREY)


def test_16_bit_grey_keeps_its_values():
    deep = GREY.astype(np.uint16) * 500
    found = read_pixels(picture(deep))
    np.testing.assert_array_equal(found, deep)
    assert found.dtype.isnative


def test_colours_are_read_where_they_are_grey():
    np.testing.assert_array_equal(read_pixels(picture(GREY, "RGB")), GREY)
    with pytest.raises(Unreadable, match="in colours"):
        read_pixels(picture(np.stack([GREY, GREY, GREY // 2], -1)))


@pytest.mark.parametrize(
    "content", [b"", b"Secret", picture(GREY)[:50], b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_is_no_picture_says_so_and_quotes_nothing(content):
    with pytest.raises(Unreadable, match="not readable as a picture") as caught:
        read_pixels(content)
    assert "Secret" not in str(caught.value)


def test_a_picture_that_claims_too_much_is_not_unpacked():
    content = bytearray(picture(GREY))
    content[16:24] = (30000).to_bytes(4) * 2
    with pytest.raises(Unreadable, match=r"30000 x 30000|not readable"):
        read_pixels(bytes(content))
    stream = BytesIO()
    Image.new("1", (5000, 5000)).save(stream, "PNG")
    with pytest.raises(Unreadable, match="5000 x 5000 pixels"):
        read_pixels(stream.getvalue())


def test_a_slice_lies_where_its_number_says(tmp_path):
    frame = opened(tmp_path)
    assert frame.plane.origin_mm == (0, 0, -24)
    assert (frame.plane.spacing_yx_mm, frame.plane.shape_yx) == ((1.37, 1.37), (12, 10))
    assert (frame.instance, frame.thickness_mm, frame.labels_yx) == (7, 8.0, None)


def test_a_mask_becomes_labels_and_an_empty_one_means_no_cavity(tmp_path):
    frame = opened(tmp_path, np.where(GREY > 60, 255, 0).astype(np.uint8))
    np.testing.assert_array_equal(frame.labels_yx, GREY > 60)
    assert not opened(tmp_path, np.zeros_like(GREY)).labels_yx.any()


@pytest.mark.parametrize("mask", [b"Secret", picture(GREY[:-1])])
def test_a_mask_that_cannot_be_used_is_dropped(tmp_path, mask):
    frame = opened(tmp_path, mask)
    assert frame.labels_yx is None
    assert [rule for rule, _ in frame.notes] == ["drop_labels"]
    assert "Secret" not in str(frame.notes)
