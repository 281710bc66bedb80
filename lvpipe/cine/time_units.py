"""Trigger times that no heart could have: written in another unit, or no times at all."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lvpipe.cine.ledger import Ledger
from lvpipe.cine.slices import Slice, usual_count
from lvpipe.config.convert import ConvertSettings

_UNITS = {"milliseconds": 1.0, "microseconds": 0.001, "seconds": 1000.0}
"""Milliseconds in each, what a header should have first."""

_PART_OF_CYCLE = 8
"""Fewer frames than this may be any part of a cycle, whose length they do not tell."""

_MOST_FRAMES = 100
"""No cine has more in one cycle."""


def guess_unit(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Each slice's trigger times in the unit in which they make a heart cycle; where none does, it has no times."""
    usual = usual_count(slices)
    units = [_unit(one, usual, settings.cycle_range_ms) for one in slices]
    members: dict[str, list[Slice]] = defaultdict(list)
    for one, unit in zip(slices, units, strict=True):
        members[unit].append(one)
    for unit, changed in members.items():
        _tell(unit, changed, len(slices), ledger)
    return [_rescaled(one, unit) for one, unit in zip(slices, units, strict=True)]


def _unit(one: Slice, usual: int, range_ms: tuple[float, float]) -> str:
    """Empty where no unit makes a cycle of its times."""
    times = sorted({frame.trigger_ms for frame in one.frames if frame.trigger_ms is not None})
    if len(times) < 2:
        return "milliseconds"
    step = _step(times)
    (low_ms, high_ms), frames = range_ms, max(len(times), usual)
    steps = frames if frames >= _PART_OF_CYCLE else _MOST_FRAMES
    for unit, scale in _UNITS.items():
        # Frames may be missing: what is there is no longer than a cycle, that number of such steps no shorter.
        if scale * step * len(times) <= high_ms and scale * step * steps >= low_ms:
            return unit
    return ""


def _step(times: Sequence[float]) -> float:
    """The mean step through the middle half of the times, which a single wrong one does not change."""
    early, late = np.quantile(times, (0.25, 0.75))
    return float(late - early) * 2 / (len(times) - 1)


def _tell(unit: str, changed: Sequence[Slice], count: int, ledger: Ledger) -> None:
    whose = f"trigger times of {len(changed)} of {count} slices make no heart cycle"
    found = [one.found for one in changed]
    if not unit:
        ledger.mend("mistrust_time", f"{whose} in any unit; not used", *found)
    elif unit != "milliseconds":
        ledger.mend("guess_unit", f"{whose}; taken as {unit}", *found)


def _rescaled(one: Slice, unit: str) -> Slice:
    if unit == "milliseconds":
        return one
    scale = _UNITS.get(unit)
    times = [None if scale is None or frame.trigger_ms is None else frame.trigger_ms * scale for frame in one.frames]
    frames = tuple(replace(frame, trigger_ms=time) for frame, time in zip(one.frames, times, strict=True))
    return replace(one, frames=frames)
