"""A hospital's export of one heart, series by series, as files of random names without an ending."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import EnhancedMRImageStorage, generate_uid
from studies import NORMAL, X, Y, dataset, plane, view

from lvpipe.geometry import Plane, unit

AXIAL = (np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
CORONAL = (np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0]))

FRAMES = 12
HEIGHTS = tuple(range(0, 80, 8))
"""Ten slices."""

_SHAPE = (20, 24)


@dataclass
class Series:
    """Images of one series: planes, and of each the frames with what their headers say."""

    number: int
    planes: list[Plane]
    frames: int = FRAMES
    words: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "ND")
    echo: float = 1.3
    flip: float = 60.0
    step_ms: float | None = 60.0
    beat_s: float = 0.0
    tags: dict[str, Any] = field(default_factory=dict)
    by_frame: dict[str, Any] = field(default_factory=dict)


def cut(height: float = 0.0, x=X, y=Y, shift=(0.0, 0.0)) -> Plane:
    """A small image of a plane across the heart, unless said otherwise."""
    return plane(height, x=x, y=y, spacing=(3.0, 3.0), shape=_SHAPE, shift=shift)


def turned(degrees: float) -> Plane:
    """A plane that holds the heart's axis, turned around it."""
    angle = np.radians(degrees)
    return cut(0, x=unit(np.cos(angle) * X + np.sin(angle) * Y), y=NORMAL)


def short_axis(first: int = 20, heights: Iterable[float] = HEIGHTS, **changes: Any) -> list[Series]:
    """As Siemens exports it: each slice a series."""
    return [Series(first + n, [cut(height)], **changes) for n, height in enumerate(heights)]


def others() -> list[Series]:
    """All that surrounds a short-axis cine in a real examination."""
    phase = ("ORIGINAL", "PRIMARY", "P", "ND")
    flow = cut(-20)
    return [
        Series(1, [cut(x=AXIAL[0], y=AXIAL[1]), cut(x=CORONAL[0], y=CORONAL[1]), cut()], frames=1),
        Series(2, [cut()], frames=1, words=("ORIGINAL", "PRIMARY", "LOCALIZER", "M")),
        Series(10, [turned(0)]),
        Series(11, [turned(60)]),
        Series(12, [turned(100)]),
        Series(13, [turned(degrees) for degrees in range(0, 180, 15)]),
        Series(14, [_axial(height) for height in range(-40, 48, 8)]),
        Series(50, [flow], echo=2.6, flip=20.0),
        Series(51, [flow], words=phase, echo=2.6, flip=20.0),
        Series(52, [cut(height) for height in HEIGHTS], frames=1, echo=3.3, flip=25.0, tags={"InversionTime": 280}),
        Series(53, [cut(height) for height in (8, 32, 56)], frames=50, step_ms=None, beat_s=0.9, flip=12.0),
        Series(54, [cut(24)], frames=9, step_ms=400.0, by_frame={"InversionTime": lambda n: 100 + 80 * n}),
        Series(55, [cut(24)], frames=1, words=("DERIVED", "PRIMARY", "T1 MAP", "M")),
        Series(56, [cut(height) for height in (0, 24, 48)], flip=14.0, echo=3.9),
        Series(57, [turned(30)], frames=30, step_ms=None, beat_s=1.0),
    ]


def _axial(height: float) -> Plane:
    made = cut(x=AXIAL[0], y=AXIAL[1])
    return made.at(np.add(made.origin_mm, (0, 0, height)))


def write_export(
    root: Path, series: Iterable[Series], study: str = "1", date: str = "20120203", seed: int = 1, **tags: Any
) -> dict[int, list[Path]]:
    """Files by series number, in nested folders, under names that say nothing."""
    names = random.Random(seed)
    made: dict[int, list[Path]] = {}
    for one in series:
        folder = root / f"{names.randrange(16**4):04X}" / f"{names.randrange(16**8):08X}"
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [(place, frame) for place in range(len(one.planes)) for frame in range(one.frames)]
        for instance, (place, frame) in enumerate(numbers, start=1):
            image = dataset(one.planes[place], view(one.planes[place], frame))
            uid = generate_uid(entropy_srcs=[study, str(one.number), str(instance)])
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
            image.Modality, image.ImageType = "MR", list(one.words)
            image.StudyInstanceUID = generate_uid(entropy_srcs=["study", study])
            image.SeriesInstanceUID = generate_uid(entropy_srcs=["series", study, str(one.number)])
            image.StudyDate, image.StudyTime, image.StudyID = date, "101500", study
            image.AccessionNumber, image.SeriesDescription = "SECRET-ACC", "Secret description"
            image.SeriesNumber, image.InstanceNumber = one.number, instance
            image.EchoTime, image.FlipAngle = one.echo, one.flip
            image.AcquisitionTime = _clock(36_000 + 60 * one.number + 10 * place + one.beat_s * frame)
            image.TriggerTime = 20.0 if one.step_ms is None else 20.0 + one.step_ms * frame
            for name, value in {**one.tags, **tags}.items():
                setattr(image, name, value)
            for name, value in one.by_frame.items():
                setattr(image, name, value(frame))
            path = folder / f"{names.randrange(16**8):08X}"
            image.save_as(path, enforce_file_format=True)
            made.setdefault(one.number, []).append(path)
    return made


def write_dicomdir(source: Path, root: Path) -> None:
    """The same files as on a disc: DICOM/..., with a real DICOMDIR."""
    files = FileSet()
    for path in sorted(source.rglob("*")):
        if path.is_file():
            files.add(path)
    files.write(root)


def write_clutter(root: Path) -> None:
    """What lies beside the images on a hospital's disc."""
    (root / "README.TXT").write_text("Secret^Person")
    (root / "viewer").mkdir()
    (root / "viewer" / "thumb.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(1000))
    (root / "viewer" / "autorun.inf").write_text("[autorun]")
    (root / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(5000))
    (root / "empty").touch()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02d}{minutes:02d}{rest:09.6f}"


def write_multiframe(path: Path, planes: list[Plane], frames: int) -> None:
    """A whole stack in one file of many frames (Enhanced MR), as newer scanners store it."""
    pixels = np.stack([view(one, frame) for one in planes for frame in range(frames)])
    made = dataset(planes[0], pixels[0], SOPClassUID=EnhancedMRImageStorage, Modality="MR")
    made.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    made.ImageType, made.SeriesNumber, made.InstanceNumber = ["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"], 5, 1
    made.StudyInstanceUID, made.SeriesInstanceUID = "2.25.10", "2.25.11"
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = made.PixelSpacing, 7
    orientation.ImageOrientationPatient = made.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    made.SharedFunctionalGroupsSequence = [shared]
    made.PerFrameFunctionalGroupsSequence = [_group(one, frame) for one in planes for frame in range(frames)]
    for name in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness"):
        delattr(made, name)
    made.NumberOfFrames, made.PixelData = len(pixels), pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)


def _group(plane: Plane, frame: int) -> Dataset:
    position, heart, group = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = [f"{value:.6f}" for value in plane.origin_mm]
    heart.NominalCardiacTriggerDelayTime = 20.0 + 30 * frame
    group.PlanePositionSequence, group.CardiacSynchronizationSequence = [position], [heart]
    return group
