"""A look at a DICOM file's header, to tell series apart and to find the cine among them. Nothing of it may be shown.

UIDs are only known by the start of their hash; no name, date or description is read.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from lvpipe.decoders.dicom.header import Header
from lvpipe.decoders.dicom.kinds import refusal
from lvpipe.decoders.dicom.parse import read_header
from lvpipe.decoders.dicom.plane import read_plane
from lvpipe.decoders.dicom.times import read_trigger_ms
from lvpipe.geometry import Plane
from lvpipe.study import Unreadable

_HASH_SHOWN = 16

_MR_IMAGES = frozenset(f"1.2.840.10008.5.1.4.1.1.4{ending}" for ending in ("", ".1", ".4"))
"""MR images: one a file, enhanced, and enhanced by conversion."""

_NO_POSITION = "no ImagePositionPatient or ImageOrientationPatient; expected both"


@dataclass(frozen=True)
class View:
    """One frame of a file: its plane, its time after the R wave, and why there is no plane ("" where there is)."""

    plane: Plane | None
    trigger_ms: float | None
    unplaced: str = ""


@dataclass(frozen=True)
class Look:
    """What a file's header tells. `views` has one entry a frame; `words` are ImageType's, and FrameType's.

    `acquisition` is only compared: files that differ in it are no copies of each other.
    `clock_s` is the time of day of the acquisition, `day` the study's date as a number: the later has the greater.
    """

    study: str
    series: str
    image: str
    is_mr_image: bool
    modality: str
    words: tuple[str, ...]
    series_number: int | None
    acquisition: int | None
    instance: int | None
    refusal: str
    views: tuple[View, ...]
    echo_ms: float | None
    inversion_ms: float | None
    flip_degrees: float | None
    thickness_mm: float | None
    clock_s: float | None
    day: int | None


def look(data: bytes) -> Look | None:
    """What the header of a file tells; None where it is no DICOM.

    `data` may be the beginning of a file, if that holds the header: 64 KiB do for one image a file; multi-frame files
    have some KiB a frame. `refusal` is why the file can be no part of a cine ("" where it can).
    """
    try:
        header = read_header(data, whole=False)
    except Unreadable:
        return None
    frames = [header.of_frame(index) for index in range(len(header.groups))] or [header]
    return Look(
        study=_hashed(header.word("StudyInstanceUID")),
        series=_hashed(header.word("SeriesInstanceUID")),
        image=_hashed(header.word("SOPInstanceUID")),
        is_mr_image=_is_mr_image(header),
        modality=header.word("Modality"),
        words=(*header.words("ImageType"), *frames[0].words("FrameType")),
        series_number=header.whole("SeriesNumber"),
        acquisition=frames[0].whole("AcquisitionNumber"),
        instance=header.whole("InstanceNumber"),
        refusal=refusal(header),
        views=tuple(_view(frame) for frame in frames),
        echo_ms=frames[0].number("EchoTime"),
        inversion_ms=frames[0].number("InversionTime"),
        flip_degrees=frames[0].number("FlipAngle"),
        thickness_mm=frames[0].number("SliceThickness"),
        clock_s=_seconds(header.number("AcquisitionTime")),
        day=header.whole("StudyDate"),
    )


def _is_mr_image(header: Header) -> bool:
    """By its class; where that is absent, by its modality."""
    sop_class = header.word("SOPClassUID")
    return sop_class in _MR_IMAGES if sop_class else header.word("Modality") == "MR"


def _view(header: Header) -> View:
    trigger_ms = read_trigger_ms(header)
    try:
        plane, by_location, _ = read_plane(header)
    except Unreadable as error:
        return View(None, trigger_ms, str(error))
    return View(None, trigger_ms, _NO_POSITION) if by_location else View(plane, trigger_ms)


def _seconds(clock: float | None) -> float | None:
    """DICOM writes 083920.5 for twenty seconds and a half past 8:39."""
    if clock is None:
        return None
    return clock // 10_000 * 3600 + clock // 100 % 100 * 60 + clock % 100


@lru_cache(maxsize=4096)
def _hashed(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:_HASH_SHOWN] if uid else ""
