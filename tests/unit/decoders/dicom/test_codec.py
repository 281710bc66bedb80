"""Compressed pixels: every transfer syntax, and streams that are damaged or claim too much."""

import os
import signal
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless
from studies import dataset, plane, view

from lvpipe.decoders.dicom import parse
from lvpipe.decoders.dicom.codec import Codec
from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.study import Content, ImageFile, Unreadable

FILE = ImageFile(Path("packed.dcm"), "run", (1,), 1)
JPEG = "1.2.840.10008.1.2.4."
LOSSLESS = {
    "57": lambda pixels, bits: imagecodecs.jpeg_encode(pixels, lossless=True, predictor=4, bitspersample=bits),
    "70": lambda pixels, bits: imagecodecs.jpeg_encode(pixels, lossless=True, predictor=1, bitspersample=bits),
    "80": lambda pixels, bits: imagecodecs.jpegls_encode(pixels),
    "90": lambda pixels, bits: imagecodecs.jpeg2k_encode(
        pixels, level=0, codecformat="j2k", reversible=True, bitspersample=bits
    ),
}
LOSSY = {
    "50": lambda pixels: imagecodecs.jpeg_encode(pixels, level=95),
    "51": lambda pixels: imagecodecs.jpeg_encode(pixels, level=95, bitspersample=12),
    "81": lambda pixels: imagecodecs.jpegls_encode(pixels, level=2),
    "91": lambda pixels: imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=60, bitspersample=12),
}


def packed(stream, syntax, stored, bits, signed=False, **tags):
    made = dataset(plane(), stored, BitsStored=bits, HighBit=bits - 1, **tags)
    made.BitsAllocated, made.PixelRepresentation = 8 * stored.dtype.itemsize, int(signed)
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate([bytes(stream)])
    made["PixelData"].is_undefined_length = True
    return saved(made)


def saved(made):
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def opened(content):
    (frame,) = read_frames(FILE, lambda _: Content(content, "00"))
    return frame.pixels_yx


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_streams_give_every_value_back(syntax, bits, signed):
    values = view(plane()).astype(int) - 300 * signed
    stored = (values & (2**bits - 1)).astype(np.uint16)
    pixels = opened(packed(LOSSLESS[syntax](stored, bits), JPEG + syntax, stored, bits, signed))
    expected = values if bits > 10 or signed else values & 1023
    np.testing.assert_array_equal(pixels, np.where(expected >= 2 ** (bits - signed), expected - 2**bits, expected))


@pytest.mark.parametrize("syntax", LOSSY)
def test_lossy_streams_come_close(syntax):
    stored = np.clip(view(plane()), 0, 1023).astype(np.uint16)
    stored = (stored >> 2).astype(np.uint8) if syntax == "50" else stored
    pixels = opened(packed(LOSSY[syntax](stored), JPEG + syntax, stored, 8 if syntax == "50" else 12))
    assert np.abs(pixels.astype(int) - stored).max() <= 24


def test_run_lengths_deflated_and_big_endian_files_read_alike():
    values = view(plane()) - np.int16(300)
    run_lengths = dataset(plane(), values)
    run_lengths.compress(RLELossless)
    deflated, big_endian = dataset(plane(), values), dataset(plane(), values.byteswap())
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    big_endian.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    for made in (run_lengths, deflated, big_endian):
        np.testing.assert_array_equal(opened(saved(made)), values)


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "MR_small_bigendian", "MR_small_implicit"],
)
def test_one_image_in_the_syntaxes_of_other_makers(name):
    plain = dcmread(get_testdata_file("MR_small.dcm")).pixel_array
    np.testing.assert_array_equal(opened(Path(get_testdata_file(f"{name}.dcm")).read_bytes()), plain)


def test_a_file_may_not_inflate_without_bound(monkeypatch):
    made = dataset(plane(), np.zeros((1024, 1024), np.int16))
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = saved(made)
    assert len(content) < 2**13
    assert opened(content).shape == (1024, 1024)
    monkeypatch.setattr(parse, "INFLATED_MAX", 2**20)
    with pytest.raises(Unreadable, match="inflates to more than 1 MB"):
        opened(content)


STORED = np.clip(view(plane()), 0, 4095).astype(np.uint16)
STREAM = imagecodecs.jpeg_encode(STORED, lossless=True, predictor=1, bitspersample=12)


@pytest.mark.parametrize(
    ("stream", "tags", "cause"),
    [
        (STREAM[: len(STREAM) // 2], {}, "cut off"),
        (bytes(2), {}, "cut off"),
        (STREAM[:200] + STREAM[210:], {}, None),
        (STREAM, {"Rows": 41}, "another size"),
        (STREAM, {"Rows": 4096, "Columns": 4096, "NumberOfFrames": 1}, "another size"),
        (imagecodecs.jpeg2k_encode(STORED, codecformat="j2k")[:300] + b"\xff\xd9", {}, "damaged"),
    ],
)
def test_damaged_streams_say_so(stream, tags, cause):
    content = packed(stream, JPEG + "70", STORED, 12, **tags)
    if cause is None:  # a stream may be damaged and still be one: other values, never another shape
        assert opened(content).shape == STORED.shape
        return
    with pytest.raises(Unreadable, match=cause):
        opened(content)


def test_run_lengths_may_not_claim_more_than_they_can_hold():
    made = dataset(plane(), view(plane()))
    made.compress(RLELossless)
    made.Rows = made.Columns = 2048
    with pytest.raises(Unreadable, match="claim to hold 8388608 bytes"):
        opened(saved(made))


def test_unknown_compression_is_refused_with_a_way_out():
    with pytest.raises(Unreadable, match="export it as JPEG"):
        opened(packed(STREAM, "1.2.840.10008.1.2.4.102", STORED, 12))


def test_a_codec_that_crashes_is_started_again():
    codec = Codec()
    shape = STORED.shape
    try:
        np.testing.assert_array_equal(codec.decode(JPEG + "70", STREAM, 2, shape), STORED)
        os.kill(codec._running().pid, signal.SIGSEGV)
        codec._running().wait()
        np.testing.assert_array_equal(codec.decode(JPEG + "70", STREAM, 2, shape), STORED)
        os.kill(codec._running().pid, signal.SIGSTOP)
        os.kill(codec._running().pid, signal.SIGSEGV)
        with pytest.raises(Unreadable, match="codec crashed"):
            codec.decode(JPEG + "70", STREAM, 2, shape)
        np.testing.assert_array_equal(codec.decode(JPEG + "70", STREAM, 2, shape), STORED)
    finally:
        codec.close()


@pytest.mark.parametrize("syntax", [*(JPEG + one for one in LOSSLESS), "1.2.840.10008.1.2.5"])
def test_flipped_bits_never_reach_this_process(syntax):
    if syntax.endswith(".5"):
        made = dataset(plane(), STORED)
        made.compress(RLELossless)
        content = saved(made)
    else:
        content = packed(LOSSLESS[syntax.removeprefix(JPEG)](STORED, 12), syntax, STORED, 12)
    draw, start = np.random.default_rng(5), content.rindex(b"\xe0\x7f\x10\x00")
    for _ in range(60):
        broken = bytearray(content)
        for at in draw.integers(start + 12, len(broken), 3):
            broken[at] ^= 1 << int(draw.integers(8))
        with suppress(Unreadable):
            assert opened(bytes(broken)).shape == STORED.shape
