"""Tiny DICOM studies for tests: one smooth world, looked at through whatever slices a test asks for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from lvpipe.cine.ledger import Ledger
from lvpipe.cine.stack import build_stack
from lvpipe.config.convert import ConvertSettings
from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.geometry import Plane
from lvpipe.study import Content, ImageFile, Study

X, Y = np.array([0.6, 0.8, 0.0]), np.array([0.0, 0.0, -1.0])
NORMAL = np.cross(X, Y)  # (-0.8, 0.6, 0): to the right and back, so from the apex to the base
CENTRE = np.array([10.0, -20.0, 30.0])


def plane(height_mm: float = 0.0, x=X, y=Y, spacing=(1.5, 1.5), shape=(40, 48), shift=(0.0, 0.0)) -> Plane:
    """A slice around the centre, `height_mm` towards the apex."""
    rows, columns = shape
    corner = CENTRE - height_mm * NORMAL - x * (columns - 1) / 2 * spacing[1] - y * (rows - 1) / 2 * spacing[0]
    corner = corner + x * shift[0] + y * shift[1]
    return Plane(tuple(corner), tuple(x), tuple(y), spacing, shape)


def view(plane: Plane, frame: float = 0.0) -> np.ndarray:
    """The world in a plane: a smooth disc of 1000 with a side lobe, growing with the frame."""
    rows, columns = np.indices(plane.shape_yx)
    points = np.array(plane.origin_mm) + np.stack([columns, rows], -1) @ plane.steps_mm.T
    u, v = (points - CENTRE) @ X, (points - CENTRE) @ Y
    disc = 1 / (1 + np.exp((np.hypot(u, v) - 14) / 1.5)) + 0.7 / (1 + np.exp((np.hypot(u - 20, v + 9) - 5) / 1.5))
    return np.rint(1000 * disc + 20 * frame).astype(np.int16)


@dataclass
class Shot:
    """One slice as acquired."""

    plane: Plane
    series: int = 1
    frames: tuple[int, ...] = tuple(range(8))
    run: str = "sax_1"
    version: int = 0
    numbers: tuple[int, ...] | None = None
    timed: bool = True
    first: int = 1
    step_ms: float = 50.0
    times_ms: tuple[float, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)


def dataset(plane: Plane, pixels: np.ndarray, **tags: Any) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    made = Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, "2.25.1"
    made.PatientName, made.PatientID, made.PatientBirthDate = "Secret^Person", "SECRET-ID", "19610203"
    made.InstitutionName, made.StudyDate = "Secret Hospital", "20120203"
    made.PatientSex, made.PatientAge = "F", "053Y"
    made.ImagePositionPatient = [f"{value:.6f}" for value in plane.origin_mm]
    made.ImageOrientationPatient = [f"{value:.8f}" for value in (*plane.x_axis, *plane.y_axis)]
    made.PixelSpacing, made.SliceThickness = list(plane.spacing_yx_mm), 7
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(made, name)
        else:
            setattr(made, name, value)
    return made


def write_shots(root: Path, shots: list[Shot], slice_per_run: bool = True) -> Study:
    """Files of all shots, and the study that a reader would make of them."""
    images = []
    for shot in shots:
        for place, frame in enumerate(shot.frames):
            number = shot.first + place
            path = root / shot.run / f"IM-{shot.series:04d}-{number:04d}-{shot.version:04d}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            tags = {"InstanceNumber": shot.numbers[place] if shot.numbers else number, **shot.tags}
            if shot.timed:
                tags["TriggerTime"] = shot.times_ms[place] if shot.times_ms else shot.step_ms * (frame + 0.5)
            dataset(shot.plane, view(shot.plane, frame), **tags).save_as(path, enforce_file_format=True)
            images.append(ImageFile(path, shot.run, (shot.series, shot.version), number))
    return Study(tuple(images), read_frames, slice_per_run=slice_per_run)


def stack(heights=(0, 8, 16, 24, 32), **changes: Any) -> list[Shot]:
    """A regular stack, one run a slice."""
    return [Shot(plane(height), series=n + 1, run=f"sax_{n + 1}", **changes) for n, height in enumerate(heights)]


def built(tmp_path, shots, slice_per_run=True, **settings):
    """The stack of these shots, and its ledger."""
    study = write_shots(tmp_path, shots, slice_per_run)
    frames = [
        frame for file in study.images for frame in read_frames(file, lambda path: Content(path.read_bytes(), "00"))
    ]
    ledger = Ledger()
    return build_stack(frames, slice_per_run, ConvertSettings(**settings), ledger), ledger


def told(ledger, rule):
    """A ledger's events of one rule."""
    return [event for event in ledger.events if event.rule == rule]
