"""What of one DICOM file's header a cine needs: bytes as they stand, read as numbers only where they are asked for.

A malformed value reads as absent, so that one bad field never costs the file, and no value is ever quoted.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from lvpipe.decoders.dicom.tags import NEEDED

Element = tuple[str, bytes]
"""A value's representation ("" where the file does not say) and its bytes."""

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_TEXT = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)


@dataclass(frozen=True)
class Header:
    """Elements by tag; `groups` has, for each frame of a multi-frame file, those that are the frame's own.

    `pixels` are the bytes of PixelData, encapsulated where the transfer syntax compresses; None where there are none.
    """

    values: Mapping[int, Element]
    syntax: str
    pixels: bytes | memoryview | None = None
    little_endian: bool = True
    groups: tuple[Mapping[int, Element], ...] = ()

    def of_frame(self, index: int) -> "Header":
        """The header as it holds for one frame."""
        own = self.groups[index] if index < len(self.groups) else {}
        return replace(self, values={**self.values, **own}, groups=())

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """A field's numbers; None where it is absent, malformed, not finite or of another length."""
        tag, standard = NEEDED[keyword]
        vr, value = self.values.get(tag, ("", b""))
        found = _numbers(vr if vr in _TEXT or vr in _BINARY else standard, value, self.little_endian)
        return found if len(found) == count else None

    def number(self, keyword: str) -> float | None:
        """A field that holds one number."""
        found = self.numbers(keyword, 1)
        return found[0] if found else None

    def whole(self, keyword: str) -> int | None:
        """A field that holds one whole number; one that is none reads as absent."""
        found = self.number(keyword)
        return int(found) if found is not None and found == int(found) else None

    def words(self, keyword: str) -> tuple[str, ...]:
        """A field's words in capitals, without padding."""
        _, value = self.values.get(NEEDED[keyword][0], ("", b""))
        return _words(value)

    def word(self, keyword: str) -> str:
        """The first of a field's words."""
        return (self.words(keyword) or ("",))[0]


# Headers of a cine repeat each other: of 240 files' 6,000 values some 300 differ.
@lru_cache(maxsize=4096)
def _numbers(vr: str, value: bytes, little_endian: bool) -> tuple[float, ...]:
    try:
        return _decimals(value) if vr in _TEXT else _binaries(_BINARY[vr], value, little_endian)
    except ValueError:
        return ()


def _decimals(value: bytes) -> tuple[float, ...]:
    """Numbers as text. Python alone would read `1_0` as ten."""
    found = tuple(float(word.strip(b" \0")) for word in value.split(b"\\"))
    return found if all(map(math.isfinite, found)) and b"_" not in value else ()


def _binaries(kind: str, value: bytes, little_endian: bool) -> tuple[float, ...]:
    count, left = divmod(len(value), struct.calcsize(kind))
    if left:
        return ()
    found = struct.unpack(f"{'<' if little_endian else '>'}{count}{kind}", value)
    return found if all(map(math.isfinite, found)) else ()


@lru_cache(maxsize=4096)
def _words(value: bytes) -> tuple[str, ...]:
    text = value.decode("ascii", "replace").rstrip(" \0")
    return tuple(word.strip(" \0").upper() for word in text.split("\\")) if text else ()
