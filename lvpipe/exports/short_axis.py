"""Which images of an export are the short-axis cine, by geometry and timing, and what else was there.

The cine is the largest set of parallel places that each show a heart cycle, in planes that cut a heart across.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.convert import ConvertSettings
from lvpipe.decoders.dicom.frames import read_frames
from lvpipe.decoders.dicom.look import Look
from lvpipe.exports.files import look_at
from lvpipe.exports.places import BY_TIMES, CINE, STILL, UNORDERED, Place
from lvpipe.geometry import BASEWARD, Floats, position_mm, tilt_degrees, unit
from lvpipe.listing import natural
from lvpipe.study import ImageFile, Note, Study

POSITIONS_MIN = 3
"""Fewer parallel places are views or a flow measurement, not a stack; a rotating set of long axes has one position."""

_PARALLEL_DEGREES = ConvertSettings().orientation_tolerance_degrees
"""Slices tilted further do not belong to the stack. A run that sets another tolerance has its way within the stack."""

_POSITION_MM = ConvertSettings().duplicate_within_mm
"""Places closer than this along the normal are one slice, acquired again."""

_PROTOCOL = {"flip_degrees": 10.0, "echo_ms": 0.6, "thickness_mm": 0.5}
"""Places that differ by more are of another protocol (tagging, flow, real time). Scanners adapt the echo time by some
tenths to each slice's field of view, and the flip angle by some degrees to what the body may absorb."""

_REPEATED_SHARE = 0.5
"""A series that has a stack of its own, this share of it at positions that are taken, is the same stack again."""

_BODY_DEGREES = 15.0
"""Planes this near to one of the body's are called by its name: nobody plans a heart's axis there."""

_ACROSS_DEGREES = 50.0
"""Long-axis views hold the heart's axis; seen against the usual axis, their normals are this far off or more."""

_BODY_PLANES = {"sagittal": (1.0, 0.0, 0.0), "coronal": (0.0, 1.0, 0.0), "axial": (0.0, 0.0, 1.0)}
_SHORT_AXIS, _LONG_AXIS, _OBLIQUE, _SEVERAL = "short-axis", "long-axis", "oblique", "several"


@dataclass(frozen=True, eq=False)
class Candidate:
    """Parallel places of one protocol that show a heart cycle."""

    places: tuple[Place, ...]

    @cached_property
    def positions(self) -> int:
        """How many positions along the normal are taken."""
        return len(_positions(self.places))

    @cached_property
    def frames(self) -> float:
        """The usual number of frames."""
        return median(len(place.shown) for place in self.places)

    @cached_property
    def rank(self) -> tuple[bool, int, float, tuple[float, float]]:
        """Greater is better: original images before those made later, more positions, more frames, later."""
        return (
            not self.places[0].made_later,
            self.positions,
            self.frames,
            max(_when(place.look) for place in self.places),
        )


def find_short_axis(files: Iterable[Path], heart_tilt_degrees: float) -> Study:
    """The study of these files, its images those of the short-axis cine; without images where there is none."""
    export = look_at(files)
    stacks = [
        (stack, study) for study, places in export.studies.items() for stack in _stacks(places, heart_tilt_degrees)
    ]
    notes = export.notes()
    if not stacks:
        seen = _seen(export.studies, (), "", heart_tilt_degrees)
        return Study((), read_frames, notes=tuple(notes), seen=seen, without_images=_reason(seen))
    best, study = max(stacks, key=lambda found: found[0].rank)
    notes += _notes_of_choice(best, [stack for stack, home in stacks if home == study], len(export.studies))
    chosen = [*best.places, *_odd_slices(best, export.studies[study])]
    notes += _notes_of_places(chosen, export.studies[study])
    seen = _seen(export.studies, chosen, study, heart_tilt_degrees)
    return Study(_images(chosen), read_frames, notes=tuple(notes), seen=seen)


def _stacks(places: Sequence[Place], heart_tilt_degrees: float) -> list[Candidate]:
    """Every stack of one study that could be the short-axis cine, from the largest set of places to the smallest."""
    usual = unit(BASEWARD)
    cines = [
        place for place in places if place.kind == CINE and tilt_degrees(place.normal, usual) <= heart_tilt_degrees
    ]
    alike = _alike(cines)
    left = np.ones(len(cines), dtype=bool)
    stacks: list[Candidate] = []
    while left.any():
        sizes = np.where(left, (alike & left).sum(axis=1), 0)
        members = np.flatnonzero(alike[int(sizes.argmax())] & left)
        stack = _without_repeats([cines[index] for index in members])
        left[[index for index in members if cines[index] in stack.places]] = False
        if stack.positions >= POSITIONS_MIN:
            stacks.append(stack)
    return stacks


def _alike(places: Sequence[Place]) -> NDArray[np.bool_]:
    """Which places are parallel and of one protocol; a header without a value is like others without it."""
    normals = np.array([place.normal for place in places]).reshape(-1, 3)
    made_later = np.array([place.made_later for place in places], dtype=bool)
    alike = np.abs(normals @ normals.T) >= math.cos(math.radians(_PARALLEL_DEGREES))
    alike &= made_later[:, None] == made_later
    for keyword, most in _PROTOCOL.items():
        values = np.array([getattr(place.look, keyword) for place in places], dtype=np.float64)
        absent = np.isnan(values)
        alike &= (np.abs(values[:, None] - values) <= most) | (absent[:, None] & absent)
    return np.asarray(alike)


def _without_repeats(places: Sequence[Place]) -> Candidate:
    """Of series that each have the stack, the best; series that complete it, and repeats of single slices, stay."""
    series: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        series[place.look.series].append(place)
    taken: list[Place] = []
    for members in sorted(series.values(), key=lambda one: Candidate(tuple(one)).rank, reverse=True):
        own, both = len(_positions(members)), len(_positions([*taken, *members]))
        repeated = len(_positions(taken)) + own - both
        if own < POSITIONS_MIN or repeated <= _REPEATED_SHARE * own:
            taken += members
    return Candidate(tuple(taken))


def _positions(places: Sequence[Place]) -> list[float]:
    """Different positions along the normal of the first place."""
    kept: list[float] = []
    for position in sorted(position_mm(place.plane, places[0].normal) for place in places):
        if not kept or position - kept[-1] >= _POSITION_MM:
            kept.append(position)
    return kept


def _when(head: Look) -> tuple[float, float]:
    """Later images have the greater day, and of one day the greater series number."""
    return float(head.day or 0), float(head.series_number or 0)


def _odd_slices(stack: Candidate, places: Sequence[Place]) -> list[Place]:
    """Slices of the stack that counts or times made something else: the rules of `convert` say what becomes of them.

    A series of its own may also be a scout or a cine in real time: of those, only what the stack has no slice of.
    """
    series = {place.look.series for place in stack.places}
    odd = [place for place in places if place.kind in BY_TIMES and place not in stack.places]
    alike = _alike([stack.places[0], *odd])[0, 1:]
    return [
        place
        for place, same_protocol in zip(odd, alike, strict=True)
        if _is_slice(place, stack, own=place.look.series in series, same_protocol=bool(same_protocol))
    ]


def _is_slice(place: Place, stack: Candidate, own: bool, same_protocol: bool) -> bool:
    if own and same_protocol:
        return True
    if tilt_degrees(place.normal, stack.places[0].normal) > _PARALLEL_DEGREES or not _is_free(place, stack):
        return False
    return own or (same_protocol and place.kind not in (CINE, STILL) and len(place.shown) <= stack.frames)


def _is_free(place: Place, stack: Candidate) -> bool:
    """Whether the stack has no slice at this position."""
    return len(_positions([*stack.places, place])) > stack.positions


def _images(places: Sequence[Place]) -> tuple[ImageFile, ...]:
    """In the order of series and numbers; where those say nothing, of the files' names, as a person would sort them."""
    heads = {one.path: one.look for place in places for one in place.shown}

    def order(path: Path) -> tuple[object, ...]:
        head = heads[path]
        return head.series_number or 0, head.series, head.instance or 0, natural(str(path))

    return tuple(
        ImageFile(path, heads[path].series, (heads[path].series_number or 0,), rank)
        for rank, path in enumerate(sorted(heads, key=order), start=1)
    )


def _notes_of_choice(best: Candidate, stacks: Sequence[Candidate], studies: int) -> Iterator[Note]:
    taken = f"{best.positions} positions x {best.frames:.0f} frames taken"
    if studies > 1:
        yield Note("choose_study", f"{studies} studies: the one with the best short-axis cine, {taken}")
    for other in stacks:
        if other is not best:
            yield Note("choose_stack", f"{taken}, another stack of {other.positions} x {other.frames:.0f} left out")
    if not best.rank[0]:
        yield Note("choose_stack", "images that were made after the examination, as there are no others")


def _notes_of_places(chosen: Sequence[Place], places: Sequence[Place]) -> Iterator[Note]:
    """What is odd about the chosen places, and what is left out of their series."""
    unordered = sum(place.kind == UNORDERED for place in chosen)
    if unordered:
        what = f"{unordered} places with {UNORDERED}: their frames are in the order of the files' names"
        yield Note("order_by_file_name", what)
    series, files = {place.look.series for place in chosen}, {path for place in chosen for path in place.files}
    left = [place for place in places if place.look.series in series and not files.issuperset(place.files)]
    kinds = Counter(place.kind or "cine in another plane or of another protocol" for place in left)
    if left:
        told = ", ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
        yield Note("skip_other_places", f"{len(left)} places of the cine's own series left out: {told}")


Row = dict[str, object]


def _seen(
    studies: Mapping[str, Sequence[Place]], cine: Sequence[Place], study: str, heart_tilt_degrees: float
) -> tuple[Row, ...]:
    """A row for each series that is not the cine; the cine's study first, then in the order of the series."""
    chosen = set(cine)
    axis = cine[0].normal if cine else None
    rows = []
    for home, places in sorted(studies.items(), key=lambda item: (item[0] != study, _when(item[1][0].look))):
        series: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            if place not in chosen:
                series[place.look.series].append(place)
        for members in sorted(series.values(), key=lambda one: _when(one[0].look)):
            row = _row(members, axis, heart_tilt_degrees)
            rows.append({"study": "same" if home == study or not cine else "other", **row})
    return tuple(rows)


def _row(places: Sequence[Place], axis: Floats | None, heart_tilt_degrees: float) -> Row:
    words = {_orientation(place, axis, heart_tilt_degrees) for place in places}
    orientation = words.pop() if len(words) == 1 else _SEVERAL
    kind = Counter({place.kind: 0 for place in places})
    for place in places:
        kind[place.kind] += len(place.shown)
    what = kind.most_common(1)[0][0]
    images, planes = sum(kind.values()), len({place.plane for place in places})
    return {
        "images": images,
        "places": planes,
        "frames": images // planes,
        "orientation": orientation,
        "why": what or _why_cine(orientation, axis is not None),
    }


def _why_cine(orientation: str, found: bool) -> str:
    """Why a cine is not the one."""
    if orientation == _SEVERAL:
        return "cine in planes that are not parallel"
    if orientation != _SHORT_AXIS:
        return f"{orientation} cine"
    return "cine of another stack" if found else f"cine at fewer than {POSITIONS_MIN} positions"


def _orientation(place: Place, axis: Floats | None, heart_tilt_degrees: float) -> str:
    """A word for the plane; against the cine's axis where one was found, else against the usual axis of a heart."""
    if axis is not None and tilt_degrees(place.normal, axis) <= _PARALLEL_DEGREES:
        return _SHORT_AXIS
    for word, normal in _BODY_PLANES.items():
        if tilt_degrees(place.normal, np.array(normal)) <= _BODY_DEGREES:
            return word
    tilt = tilt_degrees(place.normal, unit(BASEWARD) if axis is None else axis)
    if tilt >= _ACROSS_DEGREES:
        return _LONG_AXIS
    return _SHORT_AXIS if axis is None and tilt <= heart_tilt_degrees else _OBLIQUE


def _reason(seen: Sequence[Row]) -> str:
    """What was seen instead."""
    if not seen:
        return "no short-axis cine: no DICOM image that says where it lies"
    counts = Counter(str(row["why"]) for row in seen)
    return "no short-axis cine: " + ", ".join(f"{count} x {what}" for what, count in counts.most_common())
