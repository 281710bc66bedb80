"""One DICOM file: what of its header a cine needs, and its pixels as real values. Nothing personal leaves this module.

(Age and sex do: they are covariates of the forecast. Ages above 89 are given as 90, as the HIPAA safe harbour asks.)
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from lvpipe.cases import OLDEST_YEARS
from lvpipe.decoders.dicom.header import Header
from lvpipe.decoders.dicom.kinds import refusal
from lvpipe.decoders.dicom.parse import read_header
from lvpipe.decoders.dicom.pixels import read_stored
from lvpipe.decoders.dicom.plane import read_plane
from lvpipe.decoders.dicom.times import read_cycle_ms, read_trigger_ms
from lvpipe.decoders.dicom.values import read_values
from lvpipe.geometry import Plane
from lvpipe.study import Frame, ImageFile, Note, Read, Unreadable

_SPACED = Note(
    "space_by_other_field",
    "no PixelSpacing; NominalScannedPixelSpacing, ImagerPixelSpacing or the diameter used",
)

_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def read_frames(file: ImageFile, read: Read) -> list[Frame]:
    """Open a file: one frame, or all of a multi-frame file.

    Raises:
        Unreadable: it is not DICOM, has no pixels, no pixel spacing or no position, or is no grey image.
    """
    content = read(file.path)
    try:
        return _frames(file, content.sha256, read_header(content.data))
    except Unreadable:
        raise
    except Exception as error:  # what a damaged file makes a parser raise has no bound
        raise Unreadable(f"not readable as DICOM ({type(error).__name__})") from None


def _frames(file: ImageFile, sha256: str, header: Header) -> list[Frame]:
    """Geometry before pixels: it costs less to find out that there is none."""
    reason = refusal(header)
    if reason:
        raise Unreadable(reason)
    if not header.groups:
        placed = read_plane(header)
        return [_frame(file, sha256, header, placed, read_stored(header)[0])]
    headers = [header.of_frame(index) for index in range(len(header.groups))]
    placed_each = [read_plane(one) for one in headers]
    stored = read_stored(header)
    frames = [
        _frame(file, sha256, one, placed, stored_yx)
        for one, placed, stored_yx in zip(headers, placed_each, stored, strict=True)
    ]
    return _numbered(frames, [one.whole("TemporalPositionIndex") for one in headers])


def _frame(
    file: ImageFile, sha256: str, header: Header, placed: tuple[Plane, bool, str], stored_yx: NDArray[Any]
) -> Frame:
    plane, placed_by_location, spaced_by = placed
    pixels_yx, notes = read_values(header, stored_yx)
    return Frame(
        file=file,
        sha256=sha256,
        plane=plane,
        pixels_yx=pixels_yx,
        placed_by_location=placed_by_location,
        notes=(*((_SPACED,) if spaced_by else ()), *notes),
        instance=header.whole("InstanceNumber"),
        acquisition=header.whole("AcquisitionNumber") or header.whole("FrameAcquisitionNumber") or 0,
        trigger_ms=read_trigger_ms(header),
        cycle_ms=read_cycle_ms(header),
        repetition_ms=header.number("RepetitionTime"),
        thickness_mm=header.number("SliceThickness"),
        location_mm=header.number("SliceLocation"),
        sex=_sex(header),
        age_years=_age_years(header.word("PatientAge")),
    )


def _numbered(frames: list[Frame], temporal: list[int | None]) -> list[Frame]:
    """Frames of one file share its InstanceNumber: each gets its number within its slice instead.

    The temporal position where it tells the frames of every slice apart, else the order in the file.
    """
    places: dict[Plane, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        places[frame.plane].append(index)
    told = all(
        len({temporal[index] for index in members}) == len(members) and None not in {temporal[i] for i in members}
        for members in places.values()
    )
    numbers = {index: rank + 1 for members in places.values() for rank, index in enumerate(members)}
    return [replace(frame, instance=temporal[index] if told else numbers[index]) for index, frame in enumerate(frames)]


def _sex(header: Header) -> str:
    sex = header.word("PatientSex")
    return sex if sex in {"M", "F"} else ""


def _age_years(text: str) -> float | None:
    """DICOM writes 053Y, 006M, 002W or 004D."""
    digits, scale = text[:-1], _YEARS.get(text[-1:])
    if scale is None or not digits.isdecimal():
        return None
    return min(round(int(digits) * scale, 2), OLDEST_YEARS)
