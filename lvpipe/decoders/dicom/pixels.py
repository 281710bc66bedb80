"""The pixels of one DICOM file as stored integers: native in either byte order, or compressed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.decoders.dicom.header import Header
from lvpipe.decoders.dicom.parse import BIG_ENDIAN
from lvpipe.decoders.dicom.plane import read_shape
from lvpipe.decoders.dicom.walk import EXPLICIT, IMPLICIT
from lvpipe.study import Unreadable

DECODED_MAX = 256 * 2**20
"""Bytes that one compressed file may become: twice a cine of 1000 frames of 256 x 256."""

_RLE = "1.2.840.10008.1.2.5"
_RLE_RATIO = 64
"""Two bytes of run-length code stand for 128 at most, so a stream's size bounds what it may claim."""


@dataclass(frozen=True)
class Layout:
    """How a file's pixels are stored."""

    frames: int
    shape_yx: tuple[int, int]
    allocated: int
    stored: int
    high: int
    signed: bool

    @property
    def kind(self) -> np.dtype[Any]:
        """The integer type that holds one pixel."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.allocated // 8}")

    @property
    def size(self) -> int:
        """Bytes of all frames."""
        return self.frames * self.shape_yx[0] * self.shape_yx[1] * self.allocated // 8


def read_layout(header: Header) -> Layout:
    """How the header says that pixels are stored.

    Raises:
        Unreadable: it contradicts itself.
    """
    allocated = header.whole("BitsAllocated")
    if allocated not in (8, 16, 32):
        raise Unreadable("BitsAllocated is not 8, 16 or 32")
    stored = header.whole("BitsStored") or allocated
    high = header.whole("HighBit")
    high = stored - 1 if high is None else high
    if not stored - 1 <= high < allocated:
        raise Unreadable("BitsStored and HighBit do not fit into BitsAllocated")
    frames = header.whole("NumberOfFrames") or 1
    return Layout(frames, read_shape(header), allocated, stored, high, header.whole("PixelRepresentation") == 1)


def read_stored(header: Header) -> NDArray[Any]:
    """Stored integers as (frame, y, x), as meant by BitsStored and the sign.

    Raises:
        Unreadable: pixels are missing, cut off, damaged, or of a kind that is not read.
    """
    if header.pixels is None:
        raise Unreadable("no pixels")
    layout = read_layout(header)
    if header.syntax in (IMPLICIT, EXPLICIT, BIG_ENDIAN):
        return _meant(_native(header.pixels, layout, header.little_endian), layout)
    return _meant(_decoded(header.syntax, bytes(header.pixels), layout), layout)


def _native(pixels: bytes | memoryview, layout: Layout, little_endian: bool) -> NDArray[Any]:
    """More bytes than a byte of padding make as little sense as fewer: the header's size is then not the image's."""
    if not 0 <= len(pixels) - layout.size <= 1:
        raise Unreadable(f"{len(pixels)} bytes of pixels; expected {layout.size} for the size in the header")
    kind = layout.kind.newbyteorder("<" if little_endian else ">")
    words = np.frombuffer(pixels, kind, count=layout.size // kind.itemsize)
    return words.astype(layout.kind, copy=False).reshape(layout.frames, *layout.shape_yx)


def _decoded(syntax: str, encapsulated: bytes, layout: Layout) -> NDArray[Any]:
    from lvpipe.decoders.dicom.codec import CODEC, CODECS  # processes are not for native files, which most are

    if syntax not in CODECS:
        raise Unreadable("compressed in a way that is not read; export it as JPEG, JPEG-LS, JPEG 2000, RLE or native")
    most = min(DECODED_MAX, _RLE_RATIO * len(encapsulated)) if syntax == _RLE else DECODED_MAX
    if layout.allocated > 16 or layout.size > most:
        raise Unreadable(f"{len(encapsulated)} bytes claim to hold {layout.size} bytes of pixels")
    decoded = np.empty((layout.frames, *layout.shape_yx), layout.kind)
    for index, stream in enumerate(_streams(encapsulated, layout.frames)):
        # Codecs know a sample's bits, not its sign: casting keeps the bits, and `_meant` gives them theirs.
        decoded[index] = CODEC.decode(syntax, stream, layout.allocated // 8, layout.shape_yx).astype(layout.kind)
    return decoded


def _streams(encapsulated: bytes, frames: int) -> Iterator[bytes]:
    """One compressed stream a frame, exactly."""
    from pydicom.encaps import generate_frames

    count = 0
    try:
        for stream in generate_frames(encapsulated, number_of_frames=frames):
            count += 1
            if count > frames:
                break
            yield stream
    except Unreadable:
        raise
    except Exception:  # what damaged offsets make a parser raise has no bound
        raise Unreadable("its compressed pixels are not in order") from None
    if count != frames:
        raise Unreadable(f"compressed pixels of other than {frames} frames")


def _meant(words: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Old files keep overlays in the bits above those stored; shifting up and down also brings the sign along."""
    above = layout.allocated - 1 - layout.high
    unused = layout.allocated - layout.stored
    meant = (words << above) >> unused if unused else words
    return meant.astype(np.int16) if meant.dtype == np.int8 else meant  # few viewers know signed bytes
