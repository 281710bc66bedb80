"""What a reader says of one study before any image is opened, and what an image is once it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from lvpipe.reader import Reader

if TYPE_CHECKING:  # readers are imported when the workflow is parsed, which loads nothing heavy
    from numpy.typing import NDArray

    from lvpipe.geometry import Plane


class Note(NamedTuple):
    """What a reader or decoder mended or left out: an event of the ledger, its rule one of lvpipe/cine/rules.py."""

    rule: str
    what: str


class Unreadable(Exception):
    """A file that cannot be used; the message names the cause without naming the file or quoting the header."""


@dataclass(frozen=True)
class LabelFile:
    """Labels drawn on an image file's pixels: of one of its frames, or (`frame` None) of as many as it has.

    `values` pairs the file's values with those of labels.py; a value that is not there is background.
    """

    path: Path
    frame: int | None
    values: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class ImageFile:
    """One file of the short-axis cine.

    `run` names the folder: files of different runs are never one slice. `acquired` is greater for what was acquired
    later (series, then version): of two slices at one position, the greater is kept. `number` is the one in the file
    name, which stands in for an absent or repeated InstanceNumber.
    """

    path: Path
    run: str
    acquired: tuple[int, ...]
    number: int
    labels: tuple[LabelFile, ...] = ()


@dataclass(frozen=True)
class ContourFile:
    """A polygon that an expert drew on one image: the inner (endocardial) or outer (epicardial) border."""

    path: Path
    image: Path
    border: Literal["inner", "outer"]


SAME_TIME_MS = 0.5
"""Trigger times closer than this are one time, written twice."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of the cine, opened; `labels_yx` (values of labels.py) where an expert's raster belongs to it.

    `instance` is its number within the cine or the slice; `acquisition` is greater for what was acquired later.
    `location_mm` is what the header calls the slice's location: a number along the stack, its sign and zero unknown.
    `blank`: it stands for an image that the source does not have.
    `notes` say what was mended in its file.
    """

    file: ImageFile
    sha256: str
    plane: "Plane"
    pixels_yx: "NDArray[Any]"
    instance: int | None = None
    trigger_ms: float | None = None
    labels_yx: "NDArray[Any] | None" = None
    acquisition: int = 0
    cycle_ms: float | None = None
    repetition_ms: float | None = None
    thickness_mm: float | None = None
    location_mm: float | None = None
    placed_by_location: bool = False
    blank: bool = False
    sex: str = ""
    age_years: float | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Content:
    """A file's bytes and their SHA-256."""

    data: bytes
    sha256: str


Read = Callable[[Path], Content]
"""Reads a file and remembers its hash for the ledger; who decodes opens files through this alone."""

Decode = Callable[[ImageFile, Read], list[Frame]]
"""All frames of one image file, with the labels drawn on them.

Raises:
    Unreadable: the file cannot be used.
"""


@dataclass(frozen=True)
class Study:
    """Files of one case, and how they are opened.

    `first_pixel` is the coordinate that the source's contours give to the centre of the first pixel, on both axes.
    `undrawn` says what a slice is that the expert left undrawn in a drawn frame: background, or not known.
    `slice_per_run`: each run should hold a single slice, so that several are worth an event.
    `sparse`: frames were exported one by one, and those that were not are blank in the cine.
    `notes` say what is unusual about the choice of files; `seen` has a row for whatever else was there, and
    `without_images` is the reason where no image was found.
    """

    images: tuple[ImageFile, ...]
    decode: Decode
    contours: tuple[ContourFile, ...] = ()
    first_pixel: float = 0.0
    undrawn: Literal["background", "unknown"] = "unknown"
    slice_per_run: bool = False
    sparse: bool = False
    notes: tuple[Note, ...] = ()
    seen: tuple[dict[str, object], ...] = ()
    without_images: str = "no short-axis images in the study's folder"

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that the study names, once."""
        drawn = [label.path for image in self.images for label in image.labels]
        contours = [contour.path for contour in self.contours]
        return tuple(dict.fromkeys([*(image.path for image in self.images), *drawn, *contours]))


class StudyReader(Reader, Protocol):
    """A reader of studies, which are converted here."""

    def read_study(self, sources: Sequence[Path], *args: Any, **options: Any) -> Study:
        """Which files of a case are its cine, and what was drawn on which of them; no image is opened."""
