"""MATLAB files of version 5 to 7 (MAT-file level 5): their plain arrays of numbers, and what shapes these have.

By hand, because scipy's reader ends the whole process on some damaged files (a segmentation fault where a byte of an
array's head is changed). The format is MathWorks' "MAT-File Level 5"; all else than arrays of numbers is passed over.
"""

import math
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lvpipe.study import Unreadable

if TYPE_CHECKING:  # shapes are asked for when the workflow is parsed, which loads nothing heavy
    from numpy.typing import NDArray

_HEADER_BYTES = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
_HDF5 = b"MATLAB 7.3"

_MATRIX, _ZIPPED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_COMPLEX = 0x0800

_HEAD_BYTES = 512
"""Enough of an array for its class, its shape and its name (63 characters at most)."""

_LARGEST_BYTES = 2**30
"""No array of LVQuan has a fifth of it."""


@dataclass(frozen=True)
class _Array:
    """An array of numbers in the file; `body` is unpacked when it is asked for."""

    name: str
    shape: tuple[int, ...]
    kind: str
    order: str
    body: memoryview
    zipped: bool


def read_shapes(content: bytes) -> dict[str, tuple[int, ...]]:
    """The shape of every array of numbers, by name; no array is unpacked.

    Raises:
        Unreadable: it is no MATLAB file of these versions, or is damaged.
    """
    return {array.name: array.shape for array in _arrays(content)}


def read_arrays(content: bytes, wanted: Collection[str]) -> dict[str, "NDArray[Any]"]:
    """These arrays, where the file has them.

    Raises:
        Unreadable: as for `read_shapes`.
    """
    return {array.name: _unpacked(array) for array in _arrays(content) if array.name in wanted}


def _arrays(content: bytes) -> Iterator[_Array]:
    if content.startswith(_HDF5):
        raise Unreadable("a MATLAB file of version 7.3 (HDF5); expected version 7: in MATLAB, save(name, '-v7')")
    order = _ORDERS.get(bytes(content[_HEADER_BYTES - 2 : _HEADER_BYTES]))
    if order is None:
        raise Unreadable("no MATLAB file of version 5 to 7")
    for code, body in _elements(memoryview(content)[_HEADER_BYTES:], order):
        zipped = code == _ZIPPED
        if code == _MATRIX or zipped:
            array = _headed(body, order, zipped)
            if array is not None:
                yield array


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and content, one after the other; content that is not all there is cut off."""
    at = 0
    while at + 8 <= len(data):
        code, size = struct.unpack_from(f"{order}II", data, at)
        if code >> 16:  # up to four bytes, packed into the tag itself
            yield code & 0xFFFF, data[at + 4 : at + 4 + min(code >> 16, 4)]
            at += 8
            continue
        yield code, data[at + 8 : at + 8 + size]
        at += 8 + size + (0 if code == _ZIPPED else -size % 8)


def _headed(body: memoryview, order: str, zipped: bool) -> _Array | None:
    """Flags, shape and name stand before the numbers; None for what is no array of real numbers."""
    head = _inflated(body, _HEAD_BYTES)[8:] if zipped else bytes(body[:_HEAD_BYTES])
    parts = [part for _, (_, part) in zip(range(3), _elements(memoryview(head), order), strict=False)]
    if len(parts) < 3 or len(parts[0]) < 4 or len(parts[1]) % 4:
        raise Unreadable("a damaged MATLAB array")
    (flags,) = struct.unpack_from(f"{order}I", parts[0])
    shape = struct.unpack(f"{order}{len(parts[1]) // 4}i", parts[1])
    kind = _CLASSES.get(flags & 0xFF)
    if kind is None or flags & _COMPLEX or not shape or min(shape) < 0:
        return None
    return _Array(bytes(parts[2]).decode("ascii", "replace"), shape, kind, order, body, zipped)


def _unpacked(array: _Array) -> "NDArray[Any]":
    import numpy as np

    size = math.prod(array.shape)
    if size * 8 > _LARGEST_BYTES:
        raise Unreadable(f"an array claims {size} numbers; expected at most {_LARGEST_BYTES // 8}")
    # At most eight bytes a number, whatever its class: they are stored as the smallest type that holds them.
    raw = _inflated(array.body, size * 8 + _HEAD_BYTES)[8:] if array.zipped else array.body
    parts = list(_elements(memoryview(raw), array.order))
    stored = _STORED.get(parts[3][0]) if len(parts) > 3 else None
    if stored is None:
        raise Unreadable("a damaged MATLAB array")
    kind = np.dtype(array.order + stored)
    if len(parts[3][1]) != size * kind.itemsize:
        raise Unreadable(f"an array claims {size} numbers and has {len(parts[3][1]) // kind.itemsize}: cut off")
    numbers = np.frombuffer(parts[3][1], kind).astype(np.dtype(array.kind), copy=False)
    return numbers.reshape(array.shape, order="F")


def _inflated(body: memoryview, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, most)
    except zlib.error:
        raise Unreadable("a damaged MATLAB array") from None
