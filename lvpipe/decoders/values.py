"""Stored numbers as the numbers that a cine keeps: small integers as they are, all else as float32."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.study import Note

_SMALL_INTEGERS = (np.int16, np.uint16)
_WIDE_INTEGERS = (np.int32, np.uint32)
"""64-bit integers become these, or float32 where they do not fit: no NIfTI viewer is sure to read 64 bits."""


def real_values(stored: NDArray[Any], slope: float = 1.0, intercept: float = 0.0) -> tuple[NDArray[Any], list[Note]]:
    """Stored numbers times their slope, and what had to be changed.

    Integers without a slope stay what they are; with one they stay 16-bit integers where they are whole and fit.
    """
    if stored.dtype.kind == "b":
        stored = stored.astype(np.uint8)
    whole = stored.dtype.kind in "iu"
    if (slope, intercept) == (1.0, 0.0):
        return _narrowed(stored) if whole else _finite(stored)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is no finite number, and is counted as such
        real = stored * np.float64(slope) + intercept
    fitting = _fitting(real, _SMALL_INTEGERS) if whole and np.array_equal(real, np.rint(real)) else None
    return _finite(real) if fitting is None else (real.astype(fitting), [])


def _narrowed(integers: NDArray[Any]) -> tuple[NDArray[Any], list[Note]]:
    if integers.dtype.itemsize <= 4:
        return integers, []
    fitting = _fitting(integers, _WIDE_INTEGERS)
    if fitting is not None:
        return integers.astype(fitting), []
    return integers.astype(np.float32), [Note("round_wide_values", "whole numbers beyond 32 bits became float32")]


def _finite(real: NDArray[Any]) -> tuple[NDArray[Any], list[Note]]:
    with np.errstate(over="ignore"):
        single = real.astype(np.float32, copy=False)
    bad = ~np.isfinite(single)
    count = int(bad.sum())
    if not count:
        return single, []
    return np.where(bad, np.float32(0), single), [
        Note("blank_bad_values", f"{count} pixels that are no number became 0")
    ]


def _fitting(values: NDArray[Any], kinds: tuple[type, ...]) -> type | None:
    low, high = values.min(), values.max()
    return next((kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max), None)
