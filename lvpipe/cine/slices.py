"""From loose images to slices: which images lie in one place, and in which plane a slice lies."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from lvpipe.cine.ledger import Found, Ledger
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import POSITION_TOLERANCE_MM, Floats, Plane, corner_distance_mm
from lvpipe.study import SAME_TIME_MS, Frame

_LOCATED_MIN = 3
_LOCATION_CORRELATION = 0.999
_LOCATION_MM = 0.1
"""Any two slices are in line, and SliceLocation is rounded to a hundredth or so."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Images of one place, in the order of the heart cycle.

    `found` is its entry in the ledger, `acquired` greater for what was acquired later. `steps` has each frame's place
    in the cycle, where frames may be missing. `position_mm` and `tilt_degrees` are relative to the stack's axis.
    """

    frames: tuple[Frame, ...]
    acquired: tuple[int, ...]
    found: Found
    steps: tuple[int, ...] = ()
    position_mm: float = 0.0
    tilt_degrees: float = 0.0

    @cached_property
    def plane(self) -> Plane:
        """Where most of its frames lie."""
        return Counter(frame.plane for frame in self.frames).most_common(1)[0][0]

    def was_before(self, other: "Slice") -> bool:
        """Whether something in the source tells so: beyond that, `acquired` has the order in which slices were found.

        Repeats of one place, divided, have their order from numbers.
        """
        told = len(self.frames[0].file.acquired) + 1  # the acquisition comes after what the file's name says
        if self.acquired[: told + 1] == other.acquired[: told + 1]:
            return self.acquired < other.acquired
        return self.acquired[:told] < other.acquired[:told]


def usual_count(slices: Iterable[Slice]) -> int:
    """The number of frames that most slices have, single images aside; of equals, the greater."""
    numbers = [len(one.frames) for one in slices]
    counts = Counter([number for number in numbers if number > 1] or numbers)
    return max(counts, key=lambda frames: (counts[frames], frames))


def has_times(one: Slice) -> bool:
    """Whether every frame has a trigger time of its own."""
    times = sorted(frame.trigger_ms for frame in one.frames if frame.trigger_ms is not None)
    return len(times) == len(one.frames) and all(b - a > SAME_TIME_MS for a, b in pairwise(times))


def grouped(frames: Sequence[Frame], settings: ConvertSettings, slice_per_run: bool, ledger: Ledger) -> list[Slice]:
    """Images of one acquisition in one place are one slice, whatever their number and folder."""
    runs: dict[tuple[str, tuple[int, ...]], list[Frame]] = defaultdict(list)
    for frame in frames:
        runs[frame.file.run, frame.file.acquired].append(frame)
    slices: list[Slice] = []
    for (_, acquired), run in runs.items():
        places = _by_place(run, settings.same_slice_within_mm)
        here: list[Slice] = []
        for place in places:
            rank = (*acquired, max(frame.acquisition for frame in place), len(slices) + len(here))
            here.append(Slice(tuple(place), rank, ledger.enter(place, rank)))
        if slice_per_run and len(here) > 1:
            what = f"a folder of one slice held {len(run)} images at {len(here)} positions"
            ledger.mend("split_by_position", what, *(one.found for one in here))
        slices += here
    return slices


def note_places(slices: Sequence[Slice], ledger: Ledger) -> None:
    """Say which positions are guessed or rounded; called when slices have their positions."""
    guessed = [one for one in slices if any(frame.placed_by_location for frame in one.frames)]
    if guessed:
        count = sum(frame.placed_by_location for one in guessed for frame in one.frames)
        what = f"{count} images without ImagePositionPatient"
        ledger.mend("place_by_slice_location", what, *(one.found for one in guessed))
    for one in slices:
        strays = [frame for frame in one.frames if frame.plane != one.plane]
        away_mm = max((corner_distance_mm(frame.plane, one.plane) for frame in strays), default=0.0)
        if away_mm > POSITION_TOLERANCE_MM:
            what = f"{len(strays)} of {len(one.frames)} frames lie up to {away_mm:.2f} mm beside the others"
            ledger.mend("settle_frames", what, one.found)


def check_slice_location(slices: Sequence[Slice], ledger: Ledger) -> None:
    """Say where SliceLocation, whose sign and zero are the vendor's own, is not in line with the positions.

    Vendors mean the place along the slices' normal, or (measured: GE) that of the middle along an axis of the body.
    """
    located = [(one, location) for one in slices if (location := _location_mm(one)) is not None]
    if len(located) < _LOCATED_MIN:
        return
    locations_mm = np.array([location for _, location in located])
    places_mm = np.array([(one.position_mm, *one.plane.centre_mm) for one, _ in located]).T
    if not any(_in_line(along_mm, locations_mm) for along_mm in places_mm):
        what = f"SliceLocation of {len(located)} slices is not in line with their positions, which count: it spans "
        what += f"{np.ptp(locations_mm):.2f} mm, positions {np.ptp(places_mm[0]):.2f} mm"
        ledger.note("check_slice_location", what)


def _in_line(along_mm: Floats, locations_mm: Floats) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):  # where all are at one place
        likeness = abs(float(np.nan_to_num(np.corrcoef(along_mm, locations_mm)[0, 1])))
    return likeness >= _LOCATION_CORRELATION and abs(float(np.ptp(along_mm) - np.ptp(locations_mm))) <= _LOCATION_MM


def _location_mm(one: Slice) -> float | None:
    """Where its headers locate it, apart from what the position was taken from."""
    told = [f.location_mm for f in one.frames if not f.blank and not f.placed_by_location]
    known = [location for location in told if location is not None]
    return float(np.median(known)) if known else None


def _by_place(frames: list[Frame], within_mm: float) -> list[list[Frame]]:
    """Headers of one slice are mostly equal to the digit, so planes are compared once each, the most frequent first."""
    exact: dict[Plane, list[Frame]] = defaultdict(list)
    for frame in frames:
        exact[frame.plane].append(frame)
    places: list[tuple[Plane, list[Frame]]] = []
    for plane, members in sorted(exact.items(), key=lambda item: -len(item[1])):
        home = next((place for usual, place in places if _same_place(usual, plane, within_mm)), None)
        if home is None:
            places.append((plane, list(members)))
        else:
            home += members
    return [place for _, place in places]


def _same_place(one: Plane, other: Plane, within_mm: float) -> bool:
    """Whether no pixel of one lies further than this from where the other has it."""
    return one.shape_yx == other.shape_yx and corner_distance_mm(one, other) < within_mm
