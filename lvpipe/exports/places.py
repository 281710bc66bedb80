"""What the images of an export are, place by place: a moving heart, a phase map, a localiser, ... by their headers.

Vendors' and operators' descriptions are not asked: they are in every language, and may be personal.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from lvpipe.decoders.dicom.look import Look
from lvpipe.geometry import Floats, Plane, tilt_degrees
from lvpipe.study import SAME_TIME_MS

FRAMES_MIN = 8
"""Fewer images of one place are no heart cycle: maps have up to 11 (of different inversion times), cines 12 to 50."""

CYCLE_MS_MAX = 2500.0
"""24 beats a minute. Frames further apart belong to several heart beats: perfusion, or a cine in real time."""

CYCLE_MS_MIN = 150.0
"""8 frames of a heart at 220 beats a minute. Frames closer together show one moment, by a jittering trigger."""

_BEAT_S = 0.3
_BEATS_SHARE = 0.7
"""Times of acquisition further apart than the first are different heart beats. The frames of a cine share a few;
of a dynamic series, most images have one of their own."""

_SAME_PLACE_MM = 0.5
_SAME_AXIS = 0.017
_SAME_SPACING_MM = 0.001
"""Headers of one place differ by rounding alone; 0.017 is one degree."""

_APART_DEGREES = 30.0
"""Still images in planes so far apart, in one series, are a localiser."""

_PHASE = frozenset(
    {"P", "PHASE", "PHASE MAP", "VELOCITY", "VELOCITY MAP", "R", "REAL", "I", "IMAGINARY", "P_FFE", "R_FFE", "I_FFE"}
)
_FLOW = frozenset({"PCA", "M_PCA", "P_PCA", "PHASE CONTRAST M", "FLOW_ENCODED"})
_MADE = ("MPR", "MIP", "MINIP", "PROJECTION", "SUBTRACTION", "MAP", "SCREEN")
"""Beginnings and ends of words for images that were computed from others."""

CINE = ""
PHASE, FLOW, LOCALISER, MADE = "phase or velocity map", "flow measurement", "localiser", "computed from other images"
STILL, SHORT = "one image a place", "too few images of a place for a heart cycle"
DYNAMIC, MOMENT, UNORDERED = "many heart beats", "one moment of the heart cycle", "neither trigger times nor numbers"
CONTRASTS = "several echo or inversion times of a place"
OTHER_MODALITY, REFUSED = "not MR", "not usable"
"""What a place is; `CINE` is the one that can make a stack."""

BY_TIMES = frozenset({CINE, STILL, SHORT, DYNAMIC, MOMENT, UNORDERED})
"""Kinds that numbers, counts and times alone tell: one wrong value makes any of them of a slice of a cine."""


@dataclass(frozen=True)
class Shown:
    """One frame of a file, with the file's header."""

    path: Path
    look: Look
    plane: Plane
    trigger_ms: float | None


@dataclass(frozen=True, eq=False)
class Place:
    """The images of one series, plane and contrast; `kind` says what they are."""

    shown: tuple[Shown, ...]
    kind: str = CINE

    @property
    def look(self) -> Look:
        """The header of the first image: what holds for a series holds for all."""
        return self.shown[0].look

    @property
    def plane(self) -> Plane:
        """Where the images lie."""
        return self.shown[0].plane

    @property
    def made_later(self) -> bool:
        """Whether the images were made from others after the examination."""
        return "SECONDARY" in self.look.words

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the images."""
        return tuple(dict.fromkeys(one.path for one in self.shown))

    @cached_property
    def normal(self) -> Floats:
        """The unit normal of the plane."""
        return self.plane.normal

    @cached_property
    def times_ms(self) -> tuple[float, ...]:
        """The different trigger times, in order."""
        times = sorted(one.trigger_ms for one in self.shown if one.trigger_ms is not None)
        return tuple(b for a, b in pairwise([-math.inf, *times]) if b - a > SAME_TIME_MS)


def places_of(shown: Sequence[Shown]) -> list[Place]:
    """All places of one study, each with what it shows."""
    series: dict[str, list[Shown]] = defaultdict(list)
    for one in shown:
        series[one.look.series].append(one)
    found = [_with_kind_of_series(_places(members)) for members in series.values()]
    places = [place for members in found for place in members]
    phases = [place for place in places if place.kind == PHASE]
    return [replace(one, kind=FLOW) if _is_magnitude(one, phases) else one for one in places]


def same_place(one: Plane, other: Plane) -> bool:
    """Whether two planes have the same pixels, up to rounding."""
    return (
        one.shape_yx == other.shape_yx
        and math.dist(one.spacing_yx_mm, other.spacing_yx_mm) < _SAME_SPACING_MM
        and math.dist(one.origin_mm, other.origin_mm) < _SAME_PLACE_MM
        and math.dist(one.x_axis, other.x_axis) < _SAME_AXIS
        and math.dist(one.y_axis, other.y_axis) < _SAME_AXIS
    )


def _places(members: Sequence[Shown]) -> list[Place]:
    """Of one series. Headers of one place are mostly equal to the digit, so planes are compared once each."""
    exact: dict[tuple[object, ...], list[Shown]] = defaultdict(list)
    for one in members:
        exact[one.plane, *_contrast(one.look)].append(one)
    merged: list[tuple[tuple[object, ...], list[Shown]]] = []
    for (_, *contrast), images in exact.items():
        key = tuple(contrast)
        home = next((found for k, found in merged if k == key and same_place(found[0].plane, images[0].plane)), None)
        if home is None:
            merged.append((key, images))
        else:
            home += images
    return [replace(place, kind=_kind(place)) for place in (Place(tuple(images)) for _, images in merged)]


def _contrast(look: Look) -> tuple[object, ...]:
    """Images of one series that differ in this are no frames of one cine."""
    return _by_words(look.words), look.echo_ms, look.inversion_ms, bool(look.refusal)


def _kind(place: Place) -> str:
    if place.look.modality not in ("", "MR"):
        return OTHER_MODALITY
    if place.look.refusal:
        return REFUSED
    return _by_words(place.look.words) or _by_times(place)


def _by_words(words: Sequence[str]) -> str:
    """What ImageType says: its first two values are standard, the others vendors' own."""
    special = {word for word in words if word not in ("ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY")}
    if "LOCALIZER" in special:
        return LOCALISER
    if special & _PHASE:
        return PHASE
    if special & _FLOW:
        return FLOW
    return MADE if any(word.startswith(_MADE) or word.endswith(_MADE) for word in special) else CINE


def _by_times(place: Place) -> str:
    images, times = len(place.shown), place.times_ms
    if images < FRAMES_MIN:
        return STILL if images == 1 else SHORT
    if _beats(place) > _BEATS_SHARE * images:
        return DYNAMIC
    if len(times) < FRAMES_MIN:  # absent, or useless
        numbers = {one.look.instance for one in place.shown} if len(place.files) > 1 else range(images)
        return CINE if len(numbers) >= FRAMES_MIN else UNORDERED
    if times[-1] - times[0] > CYCLE_MS_MAX:
        return DYNAMIC
    return MOMENT if times[-1] - times[0] < CYCLE_MS_MIN else CINE


def _beats(place: Place) -> int:
    """How many heart beats apart the images were acquired, at least."""
    clocks = sorted(one.look.clock_s for one in place.shown if one.look.clock_s is not None)
    return sum(b - a > _BEAT_S for a, b in pairwise(clocks))


def _is_magnitude(place: Place, phases: Sequence[Place]) -> bool:
    """Whether a phase map was made of the same acquisition: the same place, times and echo."""
    return place.kind == CINE and any(
        same_place(place.plane, phase.plane)
        and (place.times_ms, len(place.shown), place.look.echo_ms)
        == (phase.times_ms, len(phase.shown), phase.look.echo_ms)
        for phase in phases
    )


def _with_kind_of_series(places: list[Place]) -> list[Place]:
    """Still images of one series: in quite different planes a localiser, said so or not; of one plane several
    contrasts, from which maps are made.
    """
    still = all(place.kind in (STILL, SHORT) for place in places)
    if still and any(tilt_degrees(places[0].normal, place.normal) > _APART_DEGREES for place in places):
        return [replace(place, kind=LOCALISER) for place in places]
    if still and len({place.plane for place in places}) < len(places):
        return [replace(place, kind=CONTRASTS) for place in places]
    return places
