"""From loose images to slices, and the order and times of their frames."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np

from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import Plane, tilt_degrees
from lvpipe.ledger import Ledger
from lvpipe.study import Frame

_SAME_TILT_DEGREES = 1.0
"""Files of one slice differ by the rounding of their headers alone."""

_TIMES_DIFFER_MS = 0.5
"""Trigger times closer than this are one time, written twice."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Images of one place, in the order of the heart cycle.

    `acquired` is greater for what was acquired later. `steps` has each frame's place in the cycle, where frames may
    be missing. `position_mm` and `tilt_degrees` are relative to the stack's axis.
    """

    frames: tuple[Frame, ...]
    acquired: tuple[int, ...]
    steps: tuple[int, ...] = ()
    position_mm: float = 0.0
    tilt_degrees: float = 0.0

    @property
    def plane(self) -> Plane:
        """Where the slice lies."""
        return self.frames[0].plane


def usual_count(slices: Iterable[Slice]) -> int:
    """The number of frames that most slices have; of equals, the greater."""
    counts = Counter(len(one.frames) for one in slices)
    return max(counts, key=lambda frames: (counts[frames], frames))


def grouped(frames: Sequence[Frame], settings: ConvertSettings, slice_per_run: bool, ledger: Ledger) -> list[Slice]:
    """Images of one acquisition in one place are one slice, whatever their number and folder."""
    runs: dict[tuple[str, tuple[int, ...]], list[Frame]] = defaultdict(list)
    for frame in frames:
        runs[frame.file.run, frame.file.acquired].append(frame)
    slices: list[Slice] = []
    for (_, acquired), run in runs.items():
        places = _by_place(run, settings.same_slice_within_mm)
        if slice_per_run and len(places) > 1:
            ledger.note("split_by_position", f"a folder of one slice held {len(run)} images at {len(places)} positions")
        for place in places:
            rank = (*acquired, max(frame.acquisition for frame in place), len(slices))
            slices.append(Slice(tuple(place), rank))
    return slices


def split_repeats(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """A slice with a multiple of the usual number of frames was acquired several times: one slice each."""
    del settings
    usual = usual_count(slices)
    split: list[Slice] = []
    for one in slices:
        count, rest = divmod(len(one.frames), usual)
        if count < 2 or rest:
            split.append(one)
            continue
        what = f"{len(one.frames)} images in one place are {count} times {usual} frames"
        ledger.note("split_repeats", what, one.position_mm)
        for rank, frames in enumerate(_repeats(one.frames, count)):
            split.append(replace(one, frames=frames, acquired=(*one.acquired, rank)))
    return split


def order_frames(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Frames by trigger time where every frame of the slice has its own, else by number."""
    del settings
    by_number = [replace(one, frames=tuple(sorted(one.frames, key=_number))) for one in slices]
    ordered = [
        replace(one, frames=tuple(sorted(one.frames, key=_time))) if has_times(one) else one for one in by_number
    ]
    untimed = [one for one in ordered if not has_times(one)]
    if untimed:
        what = f"{len(untimed)} of {len(slices)} slices without usable trigger times, ordered by number"
        ledger.note("order_by_number", what, untimed[0].position_mm if len(untimed) == 1 else None)
    for numbered, one in zip(by_number, ordered, strict=True):
        if numbered.frames != one.frames:
            what = "numbers out of the order of the trigger times; ordered by time"
            ledger.note("order_by_trigger_time", what, one.position_mm)
    return ordered


def keep_common_frames(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Only the places of the cycle that all slices have; of a slice too few to share many, the slice goes."""
    if len({len(one.frames) for one in slices}) <= 1:
        return [replace(one, steps=tuple(range(len(one.frames)))) for one in slices]
    usual = usual_count(slices)
    full = [one for one in slices if len(one.frames) == usual]
    kept = [replace(one, steps=_steps(one, full, usual)) for one in slices]
    common = _common(kept)
    while len(common) <= settings.frame_share_required * usual and len(kept) > 1:
        worst = min(kept, key=lambda one: (len(one.steps), one.position_mm))
        ledger.note(
            "keep_common_frames", f"slice with {len(worst.frames)} of {usual} frames dropped", worst.position_mm
        )
        kept.remove(worst)
        common = _common(kept)
    for one in (one for one in kept if len(one.frames) != usual):
        ledger.note(
            "keep_common_frames", f"slice with {len(one.frames)} frames where {usual} are usual", one.position_mm
        )
    ledger.note("keep_common_frames", f"{len(common)} of {usual} frames are in all {len(kept)} slices and kept")
    return [_restricted(one, common) for one in kept]


def frame_times_ms(slices: Sequence[Slice], settings: ConvertSettings, ledger: Ledger) -> list[float]:
    """The median trigger time of each frame over slices; equal steps through the cycle where there are none."""
    timed = [one for one in slices if has_times(one)]
    if timed:
        times = np.median([[_time(frame) for frame in one.frames] for one in timed], axis=0)
        if bool((np.diff(times) > 0).all()):
            return [round(float(time), 3) for time in times]
    cycle, origin = _cycle_ms(slices, settings)
    total = usual_steps(slices)
    ledger.note(
        "times_from_cycle", f"no usable trigger times: {total} equal steps of a cycle of {cycle:.0f} ms ({origin})"
    )
    return [round(step * cycle / total, 3) for step in slices[0].steps]


def usual_steps(slices: Sequence[Slice]) -> int:
    """How many steps the cycle has, those that went missing included."""
    return 1 + max(step for one in slices for step in one.steps)


def has_times(one: Slice) -> bool:
    """Whether every frame has a trigger time of its own."""
    times = sorted(frame.trigger_ms for frame in one.frames if frame.trigger_ms is not None)
    return len(times) == len(one.frames) and all(b - a > _TIMES_DIFFER_MS for a, b in pairwise(times))


def _by_place(frames: list[Frame], within_mm: float) -> list[list[Frame]]:
    """Headers of one slice are mostly equal to the digit, so planes are compared once each."""
    exact: dict[Plane, list[Frame]] = defaultdict(list)
    for frame in frames:
        exact[frame.plane].append(frame)
    places: list[tuple[Plane, list[Frame]]] = []
    for plane, members in exact.items():
        home = next((place for first, place in places if _same_place(first, plane, within_mm)), None)
        if home is None:
            places.append((plane, members))
        else:
            home += members
    return [place for _, place in places]


def _same_place(one: Plane, other: Plane, within_mm: float) -> bool:
    return (
        one.shape_yx == other.shape_yx
        and one.spacing_yx_mm == other.spacing_yx_mm
        and float(np.linalg.norm(np.subtract(one.origin_mm, other.origin_mm))) < within_mm
        and tilt_degrees(one.normal, other.normal) < _SAME_TILT_DEGREES
        and float(np.dot(one.x_axis, other.x_axis)) > 0.5
    )


def _repeats(frames: Sequence[Frame], count: int) -> list[tuple[Frame, ...]]:
    """The first, second, ... image of each time where all times are there equally often; else runs of numbers."""
    ordered = sorted(frames, key=_number)
    times = Counter(frame.trigger_ms for frame in ordered)
    if set(times.values()) == {count}:
        ordered.sort(key=_time)
        return [tuple(ordered[rank::count]) for rank in range(count)]
    if len({frame.instance for frame in ordered}) < len(ordered):
        ordered.sort(key=lambda frame: frame.file.number)
    size = len(ordered) // count
    return [tuple(ordered[start : start + size]) for start in range(0, len(ordered), size)]


def _time(frame: Frame) -> float:
    return frame.trigger_ms or 0.0


def _number(frame: Frame) -> tuple[int, int]:
    """InstanceNumber, then the file name's number."""
    return (frame.file.number if frame.instance is None else frame.instance, frame.file.number)


def _steps(one: Slice, full: Sequence[Slice], usual: int) -> tuple[int, ...]:
    """Which of the usual steps each frame is: by its time, else by its number, else in order."""
    for steps in (_steps_by_time(one, full), _steps_by_number(one, full, usual)):
        if (
            steps
            and len(set(steps)) == len(steps)
            and list(steps) == sorted(steps)
            and 0 <= steps[0] <= steps[-1] < usual
        ):
            return steps
    return tuple(range(min(len(one.frames), usual)))


def _steps_by_time(one: Slice, full: Sequence[Slice]) -> tuple[int, ...]:
    starts = [_time(other.frames[0]) for other in full if has_times(other)]
    if not starts or len(one.frames) < 2 or not has_times(one):
        return ()
    times = np.array([_time(frame) for frame in one.frames])
    return tuple(int(step) for step in np.rint((times - median(starts)) / np.median(np.diff(times))))


def _steps_by_number(one: Slice, full: Sequence[Slice], usual: int) -> tuple[int, ...]:
    """Where numbers run through the cycle in each full slice, from the same remainder."""
    rows = [[_number(frame)[0] for frame in other.frames] for other in full]
    firsts = {row[0] % usual for row in rows}
    if len(firsts) != 1 or any(row != list(range(row[0], row[0] + usual)) for row in rows):
        return ()
    return tuple((_number(frame)[0] - min(firsts)) % usual for frame in one.frames)


def _common(slices: Sequence[Slice]) -> set[int]:
    return set.intersection(*(set(one.steps) for one in slices))


def _restricted(one: Slice, common: set[int]) -> Slice:
    pairs = [(frame, step) for frame, step in zip(one.frames, one.steps, strict=False) if step in common]
    return replace(one, frames=tuple(frame for frame, _ in pairs), steps=tuple(step for _, step in pairs))


def _cycle_ms(slices: Sequence[Slice], settings: ConvertSettings) -> tuple[float, str]:
    """The first of what headers tell that a heart could do."""
    low, high = settings.cycle_range_ms
    frames = [frame for one in slices for frame in one.frames]
    steps = usual_steps(slices)
    told = (
        ("nominal interval", [frame.cycle_ms for frame in frames if frame.cycle_ms]),
        ("repetition time x frames", [frame.repetition_ms * steps for frame in frames if frame.repetition_ms]),
    )
    for origin, values in told:
        if values and low <= median(values) <= high:
            return float(median(values)), origin
    return settings.nominal_cycle_ms, "assumed"
