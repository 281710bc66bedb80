"""A DICOM file's header by pydicom: compressed, big-endian, multi-frame and odd files."""

import warnings
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from lvpipe.decoders.dicom.header import Element, Header
from lvpipe.decoders.dicom.tags import FRAME_GROUPS, NESTED, PIXELS, SHARED_GROUPS, WANTED
from lvpipe.decoders.dicom.walk import EXPLICIT, IMPLICIT, is_classic, read_meta, walk
from lvpipe.study import Unreadable

BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

INFLATED_MAX = 256 * 2**20
"""A deflated file may claim gigabytes in a few bytes; a cine of 1000 frames of 256 x 256 is half of this."""

_META_MAX = 64 * 2**10
_FRAMES_MAX = 10_000

_TAGS = [*WANTED, SHARED_GROUPS, FRAME_GROUPS, PIXELS]


def read_header(data: bytes, whole: bool = True) -> Header:
    """A file's header and pixel bytes.

    `whole` False: only the file's beginning is there, and the pixels are not wanted.

    Raises:
        Unreadable: it is not DICOM.
    """
    found = walk(data, whole)
    return parse(data) if found is None else found


def parse(data: bytes) -> Header:
    """What `read_header` gives for files that are out of the ordinary, and for all others too."""
    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom quotes header values, which may be personal, in its warnings
        try:
            return _header(dcmread(BytesIO(_plain(data)), specific_tags=_TAGS))
        except Unreadable:
            raise
        except Exception as error:  # what a damaged file makes a parser raise has no bound
            raise Unreadable(f"not readable as DICOM ({type(error).__name__})") from None


def _plain(data: bytes) -> bytes:
    """A deflated file as if it had never been; pydicom would inflate without bound."""
    syntax, start = read_meta(data)
    if syntax != DEFLATED:
        if not syntax and DEFLATED.encode() in data[:_META_MAX]:
            raise Unreadable("deflated, and its file meta information is out of order")
        return data
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(data[start:], INFLATED_MAX)
    if inflater.unconsumed_tail:
        raise Unreadable(f"inflates to more than {INFLATED_MAX >> 20} MB")
    return data[:start].replace(DEFLATED.encode(), EXPLICIT.encode().ljust(len(DEFLATED), b"\0")) + inflated


def _header(dataset: Any) -> Header:
    values = _elements(dataset)
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    implicit, little_endian = dataset.original_encoding
    pixels = dataset.get_item(PIXELS).value if PIXELS in dataset else None
    native = (IMPLICIT if implicit else EXPLICIT) if little_endian else BIG_ENDIAN
    syntax = native if syntax in ("", IMPLICIT, EXPLICIT, BIG_ENDIAN) else syntax
    if not values and pixels is None:
        raise Unreadable("no DICOM elements of an image")
    header = Header(values, syntax, pixels, little_endian)
    frames = header.whole("NumberOfFrames") or 1
    if is_classic(header) and frames == 1:
        return header
    if frames > _FRAMES_MAX:
        raise Unreadable(f"{frames} frames in one file; expected at most {_FRAMES_MAX}")
    return Header(values, syntax, pixels, little_endian, tuple(_groups(dataset)))


def _groups(dataset: Any) -> Iterator[Mapping[int, Element]]:
    """What the functional groups say of each frame, its own before those that all share."""
    shared: dict[int, Element] = {}
    for item in _items(dataset, SHARED_GROUPS):
        shared |= _nested(item)
    for item in _items(dataset, FRAME_GROUPS):
        yield shared | _nested(item)


def _nested(item: Any) -> dict[int, Element]:
    found = _elements(item)
    for tag in NESTED & item.keys():
        for inner in _items(item, tag):
            found |= _elements(inner)
    return found


def _items(dataset: Any, tag: int) -> list[Any]:
    """The items of a sequence; none of what only bears a sequence's tag."""
    from pydicom.sequence import Sequence

    value = dataset[tag].value if tag in dataset else None
    return list(value) if isinstance(value, Sequence) else []


def _elements(dataset: Any) -> dict[int, Element]:
    """Wanted elements as raw bytes: `get_item` leaves them as they were read. What is empty has no type."""
    raw = {int(tag): dataset.get_item(tag) for tag in WANTED & dataset.keys()}
    return {
        tag: (str(one.VR or ""), one.value) if one.value else ("", b"")
        for tag, one in raw.items()
        if isinstance(one.value or b"", bytes)
    }
