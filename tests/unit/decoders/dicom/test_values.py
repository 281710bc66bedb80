from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from studies import dataset, plane, view

from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.study import Content, ImageFile, Unreadable

FILE = ImageFile(Path("IM-0001-0001.dcm"), "run", (1,), 1)
PIXELS = view(plane()) - np.int16(300)


def opened(content):
    (frame,) = read_frames(FILE, lambda _: Content(content, "00"))
    return frame


def read(made):
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return opened(stream.getvalue())


def with_text(keyword, text, **tags):
    """A header whose field holds these bytes, whatever pydicom would think of them."""
    made = dataset(plane(), PIXELS, **{keyword: "1"}, **tags)
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    content, tag = stream.getvalue(), made[keyword].tag
    head = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little") + made[keyword].VR.encode()
    at = content.index(head) + len(head)
    padded = text + b" " * (len(text) % 2)
    return content[:at] + len(padded).to_bytes(2, "little") + padded + content[at + 4 :]


@pytest.mark.parametrize("text", [b"", b"abc", b"1_0", b"nan", b"1e999", b"1,5", b"1\\2", b"\xff\xfe"])
def test_a_malformed_number_reads_as_absent(text):
    frame = opened(with_text("TriggerTime", text))
    assert frame.trigger_ms is None
    np.testing.assert_array_equal(frame.pixels_yx, PIXELS)


@pytest.mark.parametrize(
    ("text", "number"), [(b" 12 ", 12), (b"+12", 12), (b"12\0", 12), (b"12.0", 12), (b"12.5", None)]
)
def test_whole_numbers_are_read_as_vendors_write_them(text, number):
    assert opened(with_text("InstanceNumber", text)).instance == number


def test_a_delay_stands_in_for_a_missing_trigger_time():
    assert read(dataset(plane(), PIXELS, NominalCardiacTriggerDelayTime=18.75)).trigger_ms == 18.75


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("NominalScannedPixelSpacing", [1.5, 1.5]),
        ("ImagerPixelSpacing", [1.5, 1.5]),
        ("ReconstructionDiameter", 72),  # 48 columns of 1.5 mm
    ],
)
def test_another_field_stands_in_for_pixel_spacing_and_the_frame_says_so(field, value):
    made = dataset(plane(), PIXELS, **{field: value})
    assert read(made).notes == ()
    del made.PixelSpacing
    frame = read(made)
    assert frame.plane.spacing_yx_mm == (1.5, 1.5)
    assert [rule for rule, _ in frame.notes] == ["space_by_other_field"]


def test_spacing_of_zero_is_none():
    with pytest.raises(Unreadable, match="no PixelSpacing"):
        read(dataset(plane(), PIXELS, PixelSpacing=[0, 0]))


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_inverted_greys_are_turned_so_that_signal_is_bright(kind):
    stored = (PIXELS if kind is np.int16 else PIXELS + 300).astype(kind)
    frame = read(dataset(plane(), ~stored, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(frame.pixels_yx, stored)
    assert (frame.pixels_yx.dtype, [rule for rule, _ in frame.notes]) == (kind, ["invert_monochrome1"])


@pytest.mark.parametrize("padding", [-2000, 30000])
def test_padding_becomes_as_dark_as_the_darkest_pixel(padding):
    padded = PIXELS.copy()
    padded[:, :5] = padding
    made = dataset(plane(), padded)
    made.add_new(0x00280120, "SS", padding)
    frame = read(made)
    assert (frame.pixels_yx[:, :5] == PIXELS[:, 5:].min()).all()
    np.testing.assert_array_equal(frame.pixels_yx[:, 5:], PIXELS[:, 5:])
    assert [rule for rule, _ in frame.notes] == ["blank_padding"]


def test_black_padding_is_left_alone():
    stored = (PIXELS + 300).astype(np.uint16)
    frame = read(dataset(plane(), stored, PixelPaddingValue=0))
    np.testing.assert_array_equal(frame.pixels_yx, stored)
    assert frame.notes == ()


@pytest.mark.parametrize(("kind", "read_as"), [(np.uint8, np.uint8), (np.int8, np.int16), (np.int32, np.int32)])
def test_other_depths(kind, read_as):
    stored = (PIXELS // 16).astype(kind)
    made = dataset(plane(), stored, BitsAllocated=8 * stored.itemsize, BitsStored=8 * stored.itemsize)
    made.HighBit = 8 * stored.itemsize - 1
    frame = read(made)
    np.testing.assert_array_equal(frame.pixels_yx, stored)
    assert frame.pixels_yx.dtype == read_as


def test_oddities_of_real_headers_neither_matter_nor_warn(recwarn, caplog):
    plain = read(dataset(plane(), PIXELS))
    made = dataset(plane(), PIXELS, StudyDate="20120000", PatientBirthDate="00000000")
    made.add_new(0x0020000D, "UI", "2.16.124.113543.6006.99.08980635789900778171")
    made.add_new(0x00290010, "LO", "Secret maker")
    made.add_new(0x00291001, "UN", b"\xfe\xff\x00\xe0Secret")
    made.add_new(0x20050010, "LO", "Philips MR Imaging DD 001")
    made.add_new(0x2005100E, "FL", 7.5)  # Philips' own scale slope
    for syntax in (made.file_meta.TransferSyntaxUID, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        made.file_meta.TransferSyntaxUID = syntax
        made.PixelData = (PIXELS.byteswap() if syntax == ExplicitVRBigEndian else PIXELS).tobytes()
        stream = BytesIO()
        made.save_as(stream, enforce_file_format=True)
        recwarn.clear()
        caplog.clear()
        frame = opened(stream.getvalue())
        assert (list(recwarn), caplog.records) == ([], [])
        np.testing.assert_array_equal(frame.pixels_yx, plain.pixels_yx)
        assert (frame.plane, frame.notes) == (plain.plane, ())
