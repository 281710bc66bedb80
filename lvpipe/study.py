"""What a reader says of one study before any image is opened: its files, and what the source's layout tells of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class ImageFile:
    """One DICOM file of the short-axis cine.

    `run` names the folder: files of different runs are never one slice. `acquired` is greater for what was acquired
    later (series, then version): of two slices at one position, the greater is kept. `number` is the one in the file
    name, which stands in for an absent or repeated InstanceNumber.
    """

    path: Path
    run: str
    acquired: tuple[int, ...]
    number: int


@dataclass(frozen=True)
class ContourFile:
    """A polygon that an expert drew on one image: the inner (endocardial) or outer (epicardial) border."""

    path: Path
    image: Path
    border: Literal["inner", "outer"]


@dataclass(frozen=True)
class Study:
    """Files of one case.

    `first_pixel` is the coordinate that the source's contours give to the centre of the first pixel, on both axes.
    """

    images: tuple[ImageFile, ...]
    contours: tuple[ContourFile, ...] = ()
    first_pixel: float = 0.0
    slice_per_run: bool = False
    """Whether each run should hold a single slice, so that several are worth an event."""
