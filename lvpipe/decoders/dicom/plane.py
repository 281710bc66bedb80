"""Where an image lies and how large its pixels are, and what stood in for fields that are missing."""

from functools import lru_cache

import numpy as np

from lvpipe.decoders.dicom.header import Header
from lvpipe.geometry import Plane, Vector, unit
from lvpipe.study import Unreadable

SIDE_MAX = 4096
"""Rows and columns: the largest cines have 1024; more is a damaged header, or no MR image."""

_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Axes that stand in where only a SliceLocation is known: positions are right, directions are not."""

_SKEW = 0.01
"""How far direction cosines may be off: vendors round to six digits, some to three."""


def read_plane(header: Header) -> tuple[Plane, bool, str]:
    """The plane, whether SliceLocation had to give its position, and which field stood in for PixelSpacing ("" none).

    Raises:
        Unreadable: no size, spacing or position.
    """
    shape_yx = read_shape(header)
    spacing_yx_mm, stand_in = _spacing(header, shape_yx)
    origin, axes = header.numbers("ImagePositionPatient", 3), header.numbers("ImageOrientationPatient", 6)
    if origin is not None and axes is not None:
        return _plane(origin, axes, spacing_yx_mm, shape_yx), False, stand_in
    location = header.number("SliceLocation")
    if location is None:
        raise Unreadable("no ImagePositionPatient, ImageOrientationPatient or SliceLocation; expected a position")
    return _plane((0.0, 0.0, location), _AXIAL, spacing_yx_mm, shape_yx), True, stand_in


def read_shape(header: Header) -> tuple[int, int]:
    """Rows and columns.

    Raises:
        Unreadable: they are missing, or no image's.
    """
    rows, columns = header.whole("Rows"), header.whole("Columns")
    if rows is None or columns is None:
        raise Unreadable("no Rows or Columns; expected the size of an image")
    if not (0 < rows <= SIDE_MAX and 0 < columns <= SIDE_MAX):
        raise Unreadable(f"{rows} x {columns} pixels; expected 1 to {SIDE_MAX} rows and columns")
    return rows, columns


def _spacing(header: Header, shape_yx: tuple[int, int]) -> tuple[tuple[float, float], str]:
    """PixelSpacing, else a field of an MR image that says the same."""
    for keyword in ("PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing"):
        found = header.numbers(keyword, 2)
        if found is not None and min(found) > 0:
            return (found[0], found[1]), "" if keyword == "PixelSpacing" else keyword
    diameter = header.number("ReconstructionDiameter")
    if diameter is None or diameter <= 0:
        raise Unreadable("no PixelSpacing; expected two positive numbers")
    side_mm = diameter / max(shape_yx)
    return (side_mm, side_mm), "ReconstructionDiameter"


# Of 240 images of a cine 12 planes differ.
@lru_cache(maxsize=1024)
def _plane(
    origin: tuple[float, ...], axes: tuple[float, ...], spacing_yx_mm: tuple[float, float], shape_yx: tuple[int, int]
) -> Plane:
    x_axis, y_axis = (np.array(axis, dtype=np.float64) for axis in (axes[:3], axes[3:]))
    lengths = np.linalg.norm(x_axis), np.linalg.norm(y_axis)
    if abs(x_axis @ y_axis) > _SKEW or max(abs(length - 1) for length in lengths) > _SKEW:
        raise Unreadable("ImageOrientationPatient is no pair of perpendicular unit vectors")
    return Plane(_vector(origin), _vector(unit(x_axis)), _vector(unit(y_axis)), spacing_yx_mm, shape_yx)


def _vector(values: object) -> Vector:
    x, y, z = (float(value) for value in values)  # type: ignore[attr-defined]
    return x, y, z
