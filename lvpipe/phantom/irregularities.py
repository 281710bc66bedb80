"""The faults of real exports, planted on purpose, each at its rate, and noted so that a test can ask for them back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.phantom.stack import Acquisition, Pose, long_axis_plane

if TYPE_CHECKING:
    from lvpipe.config.phantom import PhantomCohort
    from lvpipe.phantom.heart import Heart

    Planter = Callable[["_Export"], str]

STRAY_SERIES = 40
"""Series numbers of strays start this far above the stack, as scans made at the end of an examination do."""


EXCLUDES = {
    "absent_trigger_times": ("out_of_order", "other_frame_count"),
    "three_slices": ("missing_slices", "stray_end"),
}
"""Kinds that are not planted beside another: together they could not be mended, or leave two slices."""


@dataclass(frozen=True)
class Planted:
    """One planted fault: its name in the settings and the folder it is in; "" if it is the whole case.

    For a duplicate position that is the folder of the failed attempt, which a reader should drop.
    """

    kind: str
    folder: str


@dataclass
class _Export:
    """A stack on its way to becoming irregular."""

    stack: list[Acquisition]
    heart: "Heart"
    pose: Pose
    rng: np.random.Generator
    touched: set[str]

    def pick(self) -> int:
        """Index of an inner regular slice that has no other fault yet."""
        regular = [i for i, taken in enumerate(self.stack) if taken.role == "slice"]
        free = [i for i in regular[1:-1] if self.stack[i].folder not in self.touched] or regular[1:-1] or regular
        index = int(self.rng.choice(free))
        self.touched.add(self.stack[index].folder)
        return index

    def mend(self, index: int, **changes: object) -> str:
        """Replace one acquisition by a changed one and name its folder."""
        self.stack[index] = replace(self.stack[index], **changes)  # type: ignore[arg-type]
        return self.stack[index].folder

    def next_series(self) -> int:
        """Return a series number after all others."""
        return max([self.stack[0].series + STRAY_SERIES, *(taken.series + 1 for taken in self.stack)])


def plant(
    stack: list[Acquisition], cohort: "PhantomCohort", heart: "Heart", pose: Pose, rng: np.random.Generator
) -> tuple[list[Acquisition], tuple[Planted, ...], bool]:
    """Return the irregular stack, what was planted, and whether trigger times are stated."""
    rates = cohort.irregularities.model_dump()
    first, later = sorted(set(rates) - set(_LATER)), rng.spawn(1)[0]
    lucks = dict(zip((*first, *_LATER), (*rng.random(len(first)), *later.random(len(_LATER))), strict=True))
    drawn = {kind for kind, luck in lucks.items() if luck < rates[kind]}
    if cohort.layout == "sunnybrook":
        drawn &= {"absent_trigger_times"}
    for kind, excluded in EXCLUDES.items():
        if kind in drawn:
            drawn -= set(excluded)
    export = _Export(stack, heart, pose, rng, set())
    planted = [Planted(kind, planter(export)) for kind, planter in _PLANTERS.items() if kind in drawn]
    timed = "absent_trigger_times" not in drawn
    return export.stack, (*planted, *(() if timed else (Planted("absent_trigger_times", ""),))), timed


def _three_slices(export: _Export) -> str:
    regular = [taken for taken in export.stack if taken.role == "slice"]
    keep = np.linspace(1, max(len(regular) - 3, 1), 3).astype(int)
    export.stack = [regular[i] for i in sorted(set(keep.tolist()))]
    return ""


def _missing_slices(export: _Export) -> str:
    return export.stack.pop(export.pick()).folder


def _duplicate_position(export: _Export) -> str:
    """The first attempt, in which the patient breathed, is exported too; the regular slice becomes the last series."""
    index = export.pick()
    good = export.stack[index]
    x, y, z = (float(v) for v in np.asarray(good.shift_mm) + export.rng.normal(0, 5.0, 3))
    repeat = replace(good, shift_mm=(x, y, z), noise_factor=2.0, role="repeat")
    series = export.next_series()
    export.stack.append(repeat)
    export.mend(index, series=series, folder=f"sax_{series}")
    return repeat.folder


def _rotated(export: _Export) -> str:
    index = export.pick()
    taken = export.stack[index]
    direction = "COL" if taken.phase_direction == "ROW" else "ROW"
    return export.mend(index, plane=taken.plane.turned(), phase_direction=direction)


def _other_matrix(export: _Export) -> str:
    index = export.pick()
    plane = export.stack[index].plane
    rows, columns = plane.rows + int(export.rng.choice([-8, 12])), plane.columns + int(export.rng.choice([-8, 12]))
    return export.mend(index, plane=plane.with_grid(rows, columns, plane.pixel_mm))


def _other_spacing(export: _Export) -> str:
    index = export.pick()
    plane = export.stack[index].plane
    pixel = round(plane.pixel_mm * float(export.rng.choice([0.9, 1.12])), 4)
    return export.mend(index, plane=plane.with_grid(plane.rows, plane.columns, pixel))


def _missing_frames(export: _Export) -> str:
    index = export.pick()
    frames = export.stack[index].frames
    lost = set(export.rng.choice(frames, size=int(export.rng.integers(1, 4)), replace=False).tolist())
    return export.mend(index, frames=tuple(frame for frame in frames if frame not in lost))


def _out_of_order(export: _Export) -> str:
    index = export.pick()
    frames = export.rng.permutation(export.stack[index].frames)
    return export.mend(index, frames=tuple(int(frame) for frame in frames))


def _in_between(export: _Export) -> str:
    regular = [taken for taken in export.stack if taken.role == "slice"]
    spacing = float(np.linalg.norm(regular[1].plane.position_mm - regular[0].plane.position_mm)) if regular[1:] else 8.0
    return _stray(export, regular[len(regular) // 2], -spacing / 2)


def _outlying_position(export: _Export) -> str:
    return _stray(export, export.stack[0], float(export.rng.uniform(50.0, 90.0)))


def _other_orientation(export: _Export) -> str:
    like = export.stack[0]
    angle = float(export.rng.uniform(0, np.pi))
    series = export.next_series()
    plane = long_axis_plane(like.plane, export.heart, export.pose, angle)
    export.stack.append(replace(like, plane=plane, series=series, folder=f"sax_{series}", role="stray"))
    return f"sax_{series}"


def _stray_end(export: _Export) -> str:
    """Off the regular positions by a third of a spacing or more, as a slice that was planned by hand."""
    regular = [taken for taken in export.stack if taken.role == "slice"]
    spacing = float(np.linalg.norm(regular[1].plane.position_mm - regular[0].plane.position_mm))
    return _stray(export, regular[-1], -spacing * float(export.rng.uniform(1.35, 1.65)))


def _large_matrix(export: _Export) -> str:
    """The same field of view with more and smaller pixels."""
    longer = int(export.rng.choice([264, 288, 320, 512]))
    for index, taken in enumerate(export.stack):
        plane = taken.plane
        scale = longer / max(plane.rows, plane.columns)
        size = [round(side * scale / 2) * 2 for side in (plane.rows, plane.columns)]
        export.mend(index, plane=plane.with_grid(size[0], size[1], round(plane.pixel_mm / scale, 4)))
    return ""


def _special_spacing(export: _Export) -> str:
    """The same matrix with pixels of another size, so that the field of view is another."""
    scale = float(export.rng.choice([0.7, 1.5]))
    for index, taken in enumerate(export.stack):
        plane = taken.plane
        export.mend(index, plane=plane.with_grid(plane.rows, plane.columns, round(plane.pixel_mm * scale, 4)))
    return ""


def _other_frame_count(export: _Export) -> str:
    """Each of its frames shows the heart as the frame nearest in time does."""
    index = export.pick()
    usual = len(export.heart.volumes_ml)
    count = round(usual * 5 / 6)
    nearest = tuple(int(frame) for frame in np.floor((np.arange(count) + 0.5) * usual / count))
    return export.mend(index, frames=nearest, cycle_frames=count)


def _concatenated(export: _Export) -> str:
    """Slices without another fault become one series in one folder, numbered on from slice to slice."""
    free = [i for i, taken in enumerate(export.stack) if taken.role == "slice" and taken.folder not in export.touched]
    home, number = export.stack[free[0]], 1
    for index in free:
        frames = len(export.stack[index].frames)
        export.mend(index, folder=home.folder, series=home.series, first_number=number)
        number += frames
    return home.folder


def _stray(export: _Export, like: Acquisition, distance_mm: float) -> str:
    series = export.next_series()
    plane = like.plane.shifted(distance_mm)
    export.stack.append(replace(like, plane=plane, series=series, folder=f"sax_{series}", role="stray"))
    return f"sax_{series}"


_PLANTERS: "dict[str, Planter]" = {
    "large_matrix": _large_matrix,
    "special_spacing": _special_spacing,
    "three_slices": _three_slices,
    "missing_slices": _missing_slices,
    "rotated": _rotated,
    "other_matrix": _other_matrix,
    "other_spacing": _other_spacing,
    "missing_frames": _missing_frames,
    "out_of_order": _out_of_order,
    "duplicate_position": _duplicate_position,
    "in_between": _in_between,
    "outlying_position": _outlying_position,
    "other_orientation": _other_orientation,
    "stray_end": _stray_end,
    "other_frame_count": _other_frame_count,
    "concatenated": _concatenated,
}
"""In the order of planting: what removes slices comes first, what adds folders last."""

_LATER = ("stray_end", "concatenated", "large_matrix", "special_spacing", "other_frame_count")
"""Kinds drawn from a stream of their own, so that cases without them are what they were before these kinds existed."""
