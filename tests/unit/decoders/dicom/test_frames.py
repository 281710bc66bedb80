from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ImplicitVRLittleEndian, RLELossless
from studies import dataset, plane, view

from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.decoders.dicom.values import rescaled
from lvpipe.study import Content, ImageFile, Unreadable

FILE = ImageFile(Path("IM-0001-0001.dcm"), "run", (1,), 1)
PIXELS = view(plane()) - np.int16(300)


def read(made):
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return opened(stream.getvalue())


def opened(content):
    (frame,) = read_frames(FILE, lambda _: Content(content, "00"))
    return frame


def test_signed_pixels_and_header():
    frame = read(dataset(plane(), PIXELS, TriggerTime="12.5", InstanceNumber=4, RepetitionTime="3.1", HeartRate=80))
    np.testing.assert_array_equal(frame.pixels_yx, PIXELS)
    assert (frame.pixels_yx.dtype, frame.pixels_yx.min() < 0) == (np.int16, True)
    assert (frame.trigger_ms, frame.instance, frame.repetition_ms, frame.cycle_ms) == (12.5, 4, 3.1, 750)
    assert (frame.sex, frame.age_years, frame.thickness_mm) == ("F", 53, 7)
    np.testing.assert_allclose(frame.plane.origin_mm, plane().origin_mm, atol=1e-5)
    np.testing.assert_allclose(frame.plane.normal, plane().normal, atol=1e-6)


def test_twelve_bits_with_a_sign_and_an_overlay_above():
    stored = (PIXELS & 0x0FFF).astype(np.uint16) | 0x7000
    frame = read(dataset(plane(), stored, BitsStored=12, HighBit=11, PixelRepresentation=1))
    np.testing.assert_array_equal(frame.pixels_yx, PIXELS)
    unsigned = read(dataset(plane(), stored, BitsStored=12, HighBit=11, PixelRepresentation=0))
    np.testing.assert_array_equal(unsigned.pixels_yx, PIXELS & 0x0FFF)


def test_implicit_and_compressed_files_read_alike():
    implicit, packed = dataset(plane(), PIXELS), dataset(plane(), PIXELS)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    packed.compress(RLELossless)
    for made in (implicit, packed):
        np.testing.assert_array_equal(read(made).pixels_yx, PIXELS)


def test_a_rescale_slope_is_applied():
    assert read(dataset(plane(), PIXELS, RescaleSlope=2, RescaleIntercept=-10)).pixels_yx.dtype == np.int16
    halved = read(dataset(plane(), PIXELS, RescaleSlope=0.5, RescaleIntercept=0)).pixels_yx
    assert halved.dtype == np.float32
    np.testing.assert_array_equal(halved, PIXELS / 2)
    assert read(dataset(plane(), PIXELS, RescaleSlope=1, RescaleIntercept=0)).pixels_yx.dtype == np.int16
    assert rescaled(np.array([40000], np.uint16), 1, 0).dtype == np.uint16


def test_slice_location_stands_in_for_a_position():
    frame = read(dataset(plane(), PIXELS, ImagePositionPatient=None, SliceLocation=42))
    assert (frame.placed_by_location, frame.plane.origin_mm) == (True, (0, 0, 42))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"PixelSpacing": None}, "no PixelSpacing"),
        ({"ImagePositionPatient": None}, "expected a position"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "perpendicular"),
        ({"PixelData": None}, "no pixels"),
        ({"Rows": None}, "no Rows"),
        ({"PixelData": b"short"}, "6 bytes of pixels; expected 3840"),
        ({"Rows": 41}, "3840 bytes of pixels; expected 3936"),
        ({"Rows": 39}, "3840 bytes of pixels; expected 3744"),
        ({"Rows": 60000}, "1 to 4096 rows"),
        ({"BitsAllocated": 12}, "BitsAllocated"),
        ({"HighBit": 16}, "HighBit"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "no image"),
        ({"RescaleSlope": 1e300, "RescaleIntercept": 0}, "no image"),
    ],
)
def test_unusable_files_say_why(changes, cause):
    with pytest.raises(Unreadable, match=cause):
        read(dataset(plane(), PIXELS, **changes))


@pytest.mark.parametrize("content", [b"", b"Secret", bytes(200), b"\0" * 128 + b"DICM" + b"\x08"])
def test_no_rubbish_gets_through_and_none_is_quoted(content):
    with pytest.raises(Unreadable) as caught:
        opened(content)
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "years"),
    [("053Y", 53), ("006M", 0.5), ("026W", 0.5), ("004D", 0.01), ("095Y", 90), ("", None), ("x", None)],
)
def test_ages(text, years):
    assert read(dataset(plane(), PIXELS, PatientAge=text)).age_years == years
