"""The heart cycle of slices: which frames belong to one acquisition, their order, their steps and times."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from lvpipe.cine.ledger import Ledger
from lvpipe.cine.slices import Slice, has_times, usual_count
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import Floats
from lvpipe.study import Frame

_EVEN_STEP = 1.5
"""Steps of one acquisition are equal: a longest of this many shortest has a hole, or two acquisitions mixed."""

_CYCLES_DIFFER = 0.05
"""Share by which one patient's heart cycle, and so the step between frames, varies between breath-holds."""

_LEAST_TIMES = 4
"""With fewer times a step is no measure of anything."""


def split_repeats(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """A slice with a multiple of the usual number of frames was acquired several times: one slice each."""
    del settings
    usual, paces = usual_count(slices), _paces(slices)
    split: list[Slice] = []
    for one in slices:
        count, rest = divmod(len(one.frames), usual)
        if count < 2 or rest or usual < 2 or _same_cycle(one, usual, paces):
            split.append(one)
            continue
        what = f"{len(one.frames)} images in one place are {count} times {usual} frames"
        pieces = ledger.divide("split_repeats", what, one.found, _repeats(one.frames, count))
        split += [replace(one, frames=piece.frames, acquired=piece.acquired, found=piece) for piece in pieces]
    return split


def order_frames(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Frames by trigger time where every frame of the slice has its own, else by number."""
    del settings
    by_number = [_trusted(replace(one, frames=tuple(sorted(one.frames, key=_number))), ledger) for one in slices]
    ordered = [
        replace(one, frames=tuple(sorted(one.frames, key=_time))) if has_times(one) else one for one in by_number
    ]
    untimed = [one for one in ordered if not has_times(one)]
    if untimed:
        what = f"{len(untimed)} of {len(slices)} slices without usable trigger times, ordered by number"
        ledger.mend("order_by_number", what, *(one.found for one in untimed))
    for numbered, one in zip(by_number, ordered, strict=True):
        if numbered.frames != one.frames:
            what = "numbers out of the order of the trigger times; ordered by time"
            ledger.mend("order_by_trigger_time", what, one.found)
    return ordered


def match_cycle(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Another number of frames over the same cycle: each usual step shows the frame nearest in relative time."""
    del settings
    usual, paces = usual_count(slices), _paces(slices)
    full = [_relative_times(one) for one in slices if len(one.frames) == usual and has_times(one)]
    if not full or usual < _LEAST_TIMES:
        return slices
    wanted = np.median(full, axis=0)
    return [
        _matched(one, wanted, ledger) if len(one.frames) != usual and _same_cycle(one, usual, paces) else one
        for one in slices
    ]


def keep_common_frames(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Only the places of the cycle that all slices have; of a slice too few to share many, the slice goes."""
    if len({len(one.frames) for one in slices}) <= 1:
        return [replace(one, steps=tuple(range(len(one.frames)))) for one in slices]
    usual = usual_count(slices)
    full = [one for one in slices if len(one.frames) == usual and not one.steps]
    kept = [replace(one, steps=one.steps or _steps(one, full, usual)) for one in slices]
    common = _common(kept)
    while len(common) <= settings.frame_share_required * usual and len(kept) > 1:
        worst = min(kept, key=lambda one: (len(one.steps), one.position_mm))
        ledger.drop("keep_common_frames", f"slice with {len(worst.frames)} of {usual} frames dropped", worst.found)
        kept.remove(worst)
        common = _common(kept)
    for one in (one for one in kept if len(one.frames) != usual):
        what = f"slice with {len(one.frames)} frames where {usual} are usual"
        ledger.mend("keep_common_frames", what, one.found)
    ledger.note("keep_common_frames", f"{len(common)} of {usual} frames are in all {len(kept)} slices and kept")
    return [_restricted(one, common, ledger) for one in kept]


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
    timed = [[_time(frame) for frame in other.frames] for other in full if has_times(other)]
    if not timed or len(one.frames) < 2 or not has_times(one):
        return ()
    times = np.array([_time(frame) for frame in one.frames])
    usual_ms = median(float(np.median(np.diff(others))) for others in timed)
    gaps = np.diff(times)
    step_ms = np.median(gaps / np.maximum(1, np.rint(gaps / usual_ms)))  # a hole is several steps
    return tuple(int(step) for step in np.rint((times - median(others[0] for others in timed)) / step_ms))


def _steps_by_number(one: Slice, full: Sequence[Slice], usual: int) -> tuple[int, ...]:
    """Where numbers run through the cycle in each full slice, from the same remainder."""
    rows = [[_number(frame)[0] for frame in other.frames] for other in full]
    firsts = {row[0] % usual for row in rows}
    if len(firsts) != 1 or any(row != list(range(row[0], row[0] + usual)) for row in rows):
        return ()
    return tuple((_number(frame)[0] - min(firsts)) % usual for frame in one.frames)


def _common(slices: Sequence[Slice]) -> set[int]:
    return set.intersection(*(set(one.steps) for one in slices))


def _restricted(one: Slice, common: set[int], ledger: Ledger) -> Slice:
    """The frames of these steps; a frame beyond the last step has none, and is left out as well."""
    steps = [*one.steps, *[None] * (len(one.frames) - len(one.steps))]
    pairs = list(zip(one.frames, steps, strict=True))
    kept = [(frame, step) for frame, step in pairs if step is not None and step in common]
    shown = {id(frame) for frame, _ in kept}  # a matched slice shows one frame at two steps
    gone = {id(frame): (frame, step) for frame, step in pairs if id(frame) not in shown}
    ledger.leave_out("keep_common_frames", one.found, gone.values())
    return replace(one, frames=tuple(frame for frame, _ in kept), steps=tuple(step for _, step in kept))


@dataclass(frozen=True)
class _Pace:
    """How one acquisition went through the cycle: its frames at even steps."""

    frames: int
    step_ms: float
    cycle_ms: float | None

    @property
    def span_ms(self) -> float:
        return self.frames * self.step_ms


def _pace(one: Slice) -> _Pace | None:
    """None where times are absent, too few, or have a hole."""
    if len(one.frames) < _LEAST_TIMES or not has_times(one):
        return None
    steps = np.diff(sorted(_time(frame) for frame in one.frames))
    step_ms = float(np.median(steps))
    if steps.max() > _EVEN_STEP * steps.min():
        return None
    told = [frame.cycle_ms for frame in one.frames if frame.cycle_ms]
    return _Pace(len(one.frames), step_ms, median(told) if told else None)


def _paces(slices: Sequence[Slice]) -> list[_Pace]:
    """The paces of the slices with the usual number of frames."""
    usual = usual_count(slices)
    found = (_pace(one) for one in slices if len(one.frames) == usual)
    return [pace for pace in found if pace is not None]


def _same_cycle(one: Slice, usual: int, paces: Sequence[_Pace]) -> bool:
    """Whether another number of frames spans a whole cycle: its own as the header tells it, or the usual one."""
    pace = _pace(one)
    if pace is None or not paces:
        return False
    if pace.cycle_ms and abs(pace.cycle_ms / pace.step_ms - pace.frames) < 0.5:
        return True
    span_ms = median(other.span_ms for other in paces)
    stretch = pace.step_ms * usual / span_ms
    return abs(pace.span_ms / span_ms - 1) <= _CYCLES_DIFFER < abs(stretch - 1)


def _relative_times(one: Slice) -> Floats:
    """Shares of the cycle, from the first frame on."""
    times = np.array([_time(frame) for frame in one.frames])
    return np.asarray((times - times[0]) / (np.median(np.diff(times)) * len(times)))


def _matched(one: Slice, wanted: Floats, ledger: Ledger) -> Slice:
    nearest = np.abs(wanted[:, None] - _relative_times(one)[None, :]).argmin(axis=1).tolist()
    what = f"{len(one.frames)} frames over the cycle where {len(wanted)} are usual: each step has the nearest in time"
    ledger.mend("match_cycle", what, one.found)
    gone = [(frame, None) for index, frame in enumerate(one.frames) if index not in nearest]
    ledger.leave_out("match_cycle", one.found, gone)
    return replace(one, frames=tuple(one.frames[index] for index in nearest), steps=tuple(range(len(wanted))))


def _trusted(one: Slice, ledger: Ledger) -> Slice:
    """Without the one trigger time that contradicts all others, where numbers leave just one place for its frame."""
    if len(one.frames) < _LEAST_TIMES or not has_times(one):
        return one
    index, time_ms = _lone_misfit(np.array([_time(frame) for frame in one.frames]))
    if index is None:
        return one
    ledger.mend("mistrust_time", "one trigger time fits neither its frame's number nor the other times", one.found)
    mended = replace(one.frames[index], trigger_ms=time_ms)
    return replace(one, frames=(*one.frames[:index], mended, *one.frames[index + 1 :]))


def _lone_misfit(times_ms: Floats) -> tuple[int | None, float]:
    """Of times in the order of the numbers: which one alone is out of line, and what it should be."""
    last = len(times_ms) - 1
    for index in range(last + 1) if (np.diff(times_ms) <= 0).any() else ():
        rest = np.delete(times_ms, index)
        gaps, expected = np.diff(rest), np.ones(last - 1)
        step_ms = float(np.median(gaps))
        if 0 < index < last:
            expected[index - 1] = 2  # the hole that it leaves
        if step_ms <= 0 or np.abs(gaps / step_ms - expected).max() >= 0.5:
            continue
        if index in (0, last) and _continues(times_ms[index], rest, step_ms):
            continue  # numbers start elsewhere in the cycle, which is no fault of the times
        return index, float(rest[index - 1] + step_ms if index else rest[0] - step_ms)
    return None, 0.0


def _continues(time_ms: float, rest_ms: Floats, step_ms: float) -> bool:
    away = min(abs(time_ms - rest_ms[-1] - step_ms), abs(rest_ms[0] - step_ms - time_ms))
    return bool(away < 0.5 * step_ms)


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
