"""One DICOM file: what of its header a cine needs, and its pixels as real values. Nothing personal leaves this module.

(Age and sex do: they are covariates of the forecast. Ages above 89 are given as 90, as the HIPAA safe harbour asks.)
"""

import math
import warnings
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.cases import OLDEST_YEARS
from lvpipe.geometry import Plane, Vector, unit
from lvpipe.study import Frame, ImageFile, Read, Unreadable

_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
"""Uncompressed little-endian transfer syntaxes, of which the pixels are the bytes as they stand."""

_NEEDED = (
    *("Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceLocation"),
    *("InstanceNumber", "AcquisitionNumber", "TriggerTime", "NominalInterval", "HeartRate", "RepetitionTime"),
    *("SliceThickness", "PatientSex", "PatientAge", "RescaleSlope", "RescaleIntercept", "SamplesPerPixel"),
    *("PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelData"),
)
"""All that is parsed: less time, and no name ever enters memory as text."""

_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}

_AXIAL: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Axes that stand in where only a SliceLocation is known: positions are right, directions are not."""


_SKEW = 0.01
"""How far direction cosines may be off: vendors round to six digits, some to three."""


def read_frames(file: ImageFile, read: Read) -> list[Frame]:
    """Open a file.

    Raises:
        Unreadable: it is not DICOM, has no pixels, no pixel spacing or no position.
    """
    from pydicom import dcmread

    content = read(file.path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom quotes header values, which may be personal, in its warnings
        try:
            return [_frame(file, content.sha256, dcmread(BytesIO(content.data), specific_tags=list(_NEEDED)))]
        except Unreadable:
            raise
        except Exception as error:  # what a damaged file makes a parser raise has no bound
            raise Unreadable(f"not readable as DICOM ({type(error).__name__})") from None


def _frame(file: ImageFile, sha256: str, header: Any) -> Frame:
    plane, placed_by_location = _plane(header)
    heart_rate = _number(header, "HeartRate")
    return Frame(
        file=file,
        sha256=sha256,
        plane=plane,
        pixels_yx=_pixels(header),
        placed_by_location=placed_by_location,
        instance=_integer(header, "InstanceNumber"),
        acquisition=_integer(header, "AcquisitionNumber") or 0,
        trigger_ms=_number(header, "TriggerTime"),
        cycle_ms=_number(header, "NominalInterval") or (60_000 / heart_rate if heart_rate else None),
        repetition_ms=_number(header, "RepetitionTime"),
        thickness_mm=_number(header, "SliceThickness"),
        sex=_sex(header),
        age_years=_age_years(str(header.get("PatientAge") or "")),
    )


def _plane(header: Any) -> tuple[Plane, bool]:
    spacing = _numbers(header, "PixelSpacing", 2)
    if spacing is None or min(spacing) <= 0:
        raise Unreadable("no PixelSpacing; expected two positive numbers")
    origin, axes = _numbers(header, "ImagePositionPatient", 3), _numbers(header, "ImageOrientationPatient", 6)
    location = _number(header, "SliceLocation")
    fallback = origin is None or axes is None
    if origin is None or axes is None:
        if location is None:
            raise Unreadable("no ImagePositionPatient, ImageOrientationPatient or SliceLocation; expected a position")
        origin, axes = (0.0, 0.0, location), _AXIAL
    x_axis, y_axis = (np.array(axis, dtype=np.float64) for axis in (axes[:3], axes[3:]))
    lengths = np.linalg.norm(x_axis), np.linalg.norm(y_axis)
    if abs(x_axis @ y_axis) > _SKEW or max(abs(length - 1) for length in lengths) > _SKEW:
        raise Unreadable("ImageOrientationPatient is no pair of perpendicular unit vectors")
    return Plane(
        origin_mm=_vector(origin),
        x_axis=_vector(unit(x_axis)),
        y_axis=_vector(unit(y_axis)),
        spacing_yx_mm=(spacing[0], spacing[1]),
        shape_yx=(int(header.Rows), int(header.Columns)),
    ), fallback


def _pixels(header: Any) -> NDArray[Any]:
    if "PixelData" not in header:
        raise Unreadable("no pixels")
    stored = _native_pixels(header)
    if stored is None:
        stored = header.pixel_array
    if stored.shape != (header.Rows, header.Columns):
        raise Unreadable(f"pixels of shape {stored.shape}; expected one grey image")
    slope, intercept = _number(header, "RescaleSlope"), _number(header, "RescaleIntercept") or 0.0
    slope = 1.0 if slope is None else slope
    return stored if (slope, intercept) == (1.0, 0.0) else rescaled(stored, slope, intercept)


def _native_pixels(header: Any) -> NDArray[Any] | None:
    """Uncompressed 16-bit grey pixels without pydicom's decoder (a third of the time); None for all other kinds."""
    syntax = str(getattr(header.file_meta, "TransferSyntaxUID", ""))
    if syntax not in _NATIVE or header.BitsAllocated != 16 or header.get("SamplesPerPixel", 1) != 1:
        return None
    count = header.Rows * header.Columns
    if len(header.PixelData) < 2 * count or int(header.get("NumberOfFrames") or 1) != 1:
        return None
    signed = header.PixelRepresentation == 1
    words = np.frombuffer(header.PixelData, dtype="<i2" if signed else "<u2", count=count)
    unused = 15 - header.HighBit + (header.HighBit + 1 - header.BitsStored)
    if unused:  # old files keep overlays in the bits above; shifting up and down also brings the sign along
        words = (words << (15 - header.HighBit)) >> unused
    return words.reshape(header.Rows, header.Columns)


def rescaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Real values; whole numbers that fit stay 16-bit integers, others become float32."""
    real = stored * slope + intercept
    low, high = float(real.min()), float(real.max())
    if np.array_equal(real, np.rint(real)):
        for kind in (np.int16, np.uint16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return real.astype(kind)
    return real.astype(np.float32)


def _number(header: Any, keyword: str) -> float | None:
    found = _numbers(header, keyword, 1)
    return found[0] if found else None


def _numbers(header: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    """A field's numbers; None where it is absent, malformed or of another length."""
    try:
        value = header.get(keyword)
        numbers = tuple(float(item) for item in ([value] if count == 1 else value or ()))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _integer(header: Any, keyword: str) -> int | None:
    number = _number(header, keyword)
    return None if number is None else int(number)


def _vector(values: Any) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _sex(header: Any) -> str:
    sex = str(header.get("PatientSex") or "").strip().upper()
    return sex if sex in {"M", "F"} else ""


def _age_years(text: str) -> float | None:
    """DICOM writes 053Y, 006M, 002W or 004D."""
    digits, scale = text.strip()[:-1], _YEARS.get(text.strip()[-1:].upper())
    if scale is None or not digits.isdecimal():
        return None
    return min(round(int(digits) * scale, 2), OLDEST_YEARS)
