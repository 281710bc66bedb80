"""From stored integers to real values: the rescale slope, inverted greys, padding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.decoders.dicom.header import Header
from lvpipe.study import Note, Unreadable

_PADDED = Note("blank_padding", "padding around the image made as dark as its darkest pixel")
_INVERTED = Note("invert_monochrome1", "MONOCHROME1, inverted so that signal is bright")


def read_values(header: Header, stored_yx: NDArray[Any]) -> tuple[NDArray[Any], tuple[Note, ...]]:
    """One frame's real values, and what was done to them.

    Raises:
        Unreadable: the rescale slope makes numbers of them that are none.
    """
    notes: list[Note] = []
    if header.number("PixelPaddingValue"):
        filled_yx = _filled(header, stored_yx)
        notes += [_PADDED] if filled_yx is not stored_yx else []
        stored_yx = filled_yx
    if header.word("PhotometricInterpretation") == "MONOCHROME1":
        stored_yx = _inverted(header, stored_yx)
        notes.append(_INVERTED)
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept") or 0.0
    slope = 1.0 if slope is None else slope
    if (slope, intercept) == (1.0, 0.0):
        return stored_yx, tuple(notes)
    return rescaled(stored_yx, slope, intercept), tuple(notes)


def rescaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Real values; whole numbers that fit stay 16-bit integers, others become float32."""
    real = stored * slope + intercept
    low, high = float(real.min()), float(real.max())
    if not slope or max(-low, high) > float(np.finfo(np.float32).max):
        raise Unreadable("RescaleSlope or RescaleIntercept make no image of the pixels")
    if np.array_equal(real, np.rint(real)):
        for kind in (np.int16, np.uint16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return real.astype(kind)
    return real.astype(np.float32)


def _filled(header: Header, stored_yx: NDArray[Any]) -> NDArray[Any]:
    """Pixels outside of the image, which scanners mark with a value of its own, made as dark as the darkest inside."""
    padding = _signed(header, "PixelPaddingValue", stored_yx)
    limit = _signed(header, "PixelPaddingRangeLimit", stored_yx)
    low, high = min(padding, padding if limit is None else limit), max(padding, padding if limit is None else limit)
    outside = (stored_yx >= low) & (stored_yx <= high)
    if not outside.any() or outside.all():
        return stored_yx
    filled = stored_yx.copy()
    filled[outside] = stored_yx[~outside].min()
    return filled


def _signed(header: Header, keyword: str, stored_yx: NDArray[Any]) -> Any:
    """A value that may be written as unsigned where pixels are signed."""
    value = header.whole(keyword)
    if value is not None and stored_yx.dtype.kind == "i" and value > np.iinfo(stored_yx.dtype).max:
        value -= 2 ** (8 * stored_yx.dtype.itemsize)
    return value


def _inverted(header: Header, stored_yx: NDArray[Any]) -> NDArray[Any]:
    """MONOCHROME1 means that the greatest value is black."""
    bits = header.whole("BitsStored") or 8 * stored_yx.dtype.itemsize
    top = -1 if stored_yx.dtype.kind == "i" else 2**bits - 1
    return np.asarray(top - stored_yx, stored_yx.dtype)
