"""From slices to one regular stack: the repair rules, each a function that says in the ledger what it did.

A rule takes slices and gives back those that stay. A new rule is a function and its place in `RULES`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected
from lvpipe.geometry import Floats, Plane, apexward, position_mm, same_grid, tilt_degrees
from lvpipe.ledger import Ledger
from lvpipe.slices import (
    Slice,
    frame_times_ms,
    grouped,
    keep_common_frames,
    order_frames,
    split_repeats,
    usual_count,
)
from lvpipe.study import Frame

Rule = Callable[[list[Slice], ConvertSettings, Ledger], list[Slice]]

_SPACING_CLUSTER_MM = 0.25
"""Steps between neighbours that differ by less are one spacing, up to rounding and table movement."""

_STEPS_THAT_AGREE = 2
"""One step alone does not say what is regular."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices from base to apex with the same frames each, and the pixel grid that they share in the cine."""

    slices: tuple[Slice, ...]
    axis: Floats
    grid: Plane
    times_ms: tuple[float, ...]

    @property
    def positions_mm(self) -> list[float]:
        """Where each slice lies along the axis, increasing towards the apex."""
        return [one.position_mm for one in self.slices]

    def target(self, index: int) -> Plane:
        """The shared grid, moved along the axis to a slice's position."""
        gap_mm = self.slices[index].position_mm - position_mm(self.grid, self.axis)
        return self.grid.at(np.asarray(self.grid.origin_mm) + gap_mm * self.axis)


def build_stack(frames: Sequence[Frame], slice_per_run: bool, settings: ConvertSettings, ledger: Ledger) -> Stack:
    """Group images into slices, put these along one axis, and apply every rule.

    Raises:
        Rejected: too little is left.
    """
    slices = grouped(frames, settings, slice_per_run, ledger)
    if not slices:
        raise Rejected("no readable image")
    grid = usual_grid(slices, settings)
    axis = apexward(grid.normal)
    slices = [_placed(one, axis) for one in slices]
    for rule in RULES:
        slices = rule(slices, settings, ledger)
    slices = sorted(slices, key=lambda one: one.position_mm)
    _require(len(slices), settings.slices_min, "usable slices")
    _require(len(slices[0].frames), settings.frames_min, "common frames")
    return Stack(tuple(slices), axis, usual_grid(slices, settings), tuple(frame_times_ms(slices, settings, ledger)))


def drop_other_planes(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Long-axis views and localisers in the folder: their normal is not that of most slices."""
    kept = []
    for one in slices:
        if one.tilt_degrees <= settings.orientation_tolerance_degrees:
            kept.append(one)
        else:
            what = f"{len(one.frames)} images tilted {one.tilt_degrees:.1f} degrees against the stack, dropped"
            ledger.note("drop_other_planes", what)
    return kept


def drop_incomplete(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Slices with half of the usual frames or fewer (before duplicates, so that a broken repeat never wins)."""
    usual = usual_count(slices)
    kept = []
    for one in slices:
        if len(one.frames) > settings.frame_share_required * usual:
            kept.append(one)
        else:
            ledger.note("drop_incomplete", f"slice with {len(one.frames)} of {usual} frames, dropped", one.position_mm)
    return kept


def keep_last_acquired(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Of slices at one position, the last acquired: the operator repeated what had failed."""
    kept: list[Slice] = []
    for one in sorted(slices, key=lambda one: one.position_mm):
        if not kept or one.position_mm - kept[-1].position_mm >= settings.duplicate_within_mm:
            kept.append(one)
            continue
        earlier, later = sorted((kept[-1], one), key=lambda one: one.acquired)
        gap_mm = abs(earlier.position_mm - later.position_mm)
        what = f"slice {gap_mm:.2f} mm from one acquired later, dropped"
        ledger.note("keep_last_acquired", what, earlier.position_mm)
        kept[-1] = later
    return kept


def drop_outlying(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Stray slices far off the ends of the stack."""
    ordered = sorted(slices, key=lambda one: one.position_mm)
    positions = np.array([one.position_mm for one in ordered])
    spacing_mm = usual_spacing_mm(positions)
    if spacing_mm is None:
        return slices
    gaps = np.flatnonzero(np.diff(positions) > settings.outlying_gap_steps * spacing_mm)
    groups = [list(group) for group in np.split(np.arange(len(ordered)), gaps + 1)]
    largest = max(len(group) for group in groups)
    kept: list[Slice] = []
    for group in groups:
        members = [ordered[index] for index in group]
        if len(members) > settings.outlying_slices_max or len(members) == largest:
            kept += members
            continue
        for one in members:
            ledger.note("drop_outlying", "slice far away from the stack, dropped", one.position_mm)
    return kept


def drop_between(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Slices between the regular positions; a stack that has no regular positions stays as it is."""
    positions = np.array([one.position_mm for one in slices])
    spacing_mm = usual_spacing_mm(positions)
    if spacing_mm is None:
        return slices
    regular = _on_grid(positions, spacing_mm, settings.off_grid_share)
    if regular.mean() < settings.grid_slices_share_required:
        ledger.note(
            "drop_between", f"only {int(regular.sum())} of {len(slices)} slices at regular positions: all are kept"
        )
        return slices
    for one in (one for one, on_grid in zip(slices, regular, strict=True) if not on_grid):
        ledger.note("drop_between", "slice between the regular positions, dropped", one.position_mm)
    return [one for one, on_grid in zip(slices, regular, strict=True) if on_grid]


def note_gaps(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Nothing is put in the place of a missing slice: positions_mm tells volumes how far apart its neighbours are."""
    del settings
    positions = np.sort([one.position_mm for one in slices])
    spacing_mm = usual_spacing_mm(positions)
    if spacing_mm is None:
        return slices
    for before, after in pairwise(positions):
        missing = round((after - before) / spacing_mm) - 1
        if missing > 0:
            what = f"{missing} missing after this one: {after - before:.1f} mm where {spacing_mm:.1f} are usual"
            ledger.note("note_gaps", what, float(before))
    return slices


RULES: tuple[Rule, ...] = (
    drop_other_planes,
    split_repeats,
    drop_incomplete,
    keep_last_acquired,
    drop_outlying,
    drop_between,
    note_gaps,
    order_frames,
    keep_common_frames,
)
"""In this order: what is no slice of the stack goes before slices are compared with each other."""


def incomplete_reason(stack: Stack, settings: ConvertSettings) -> str:
    """Why this stack can hardly give a volume, as far as positions tell without a segmentation; "" if it can."""
    positions = np.array(stack.positions_mm)
    if len(positions) < settings.slices_for_volume:
        return f"{len(positions)} slices; a volume needs {settings.slices_for_volume}"
    steps = np.diff(positions)
    spacing_mm = usual_spacing_mm(positions) or float(np.median(steps))
    if steps.max() > settings.volume_gap_steps * spacing_mm:
        return f"a gap of {steps.max():.1f} mm where slices usually lie {spacing_mm:.1f} mm apart"
    extent_mm = float(np.ptp(positions)) + spacing_mm
    if extent_mm < settings.volume_extent_mm:
        return f"slices cover {extent_mm:.0f} mm; a ventricle is longer than {settings.volume_extent_mm:.0f} mm"
    return ""


def usual_grid(slices: Sequence[Slice], settings: ConvertSettings) -> Plane:
    """The pixel grid of most slices that lie in the plane of most slices; of equals, that of the first."""
    tolerance = settings.orientation_tolerance_degrees
    planes = Counter(one.plane for one in slices)
    normals = {plane: plane.normal for plane in planes}
    votes = {
        plane: sum(
            count for other, count in planes.items() if tilt_degrees(normals[plane], normals[other]) <= tolerance
        )
        for plane in planes
    }
    parallel = [plane for plane in planes if votes[plane] == max(votes.values())]
    shared = {
        plane: sum(planes[other] for other in parallel if same_grid(plane, other, settings.grid_tolerance_px))
        for plane in parallel
    }
    return max(parallel, key=lambda plane: shared[plane])


def usual_spacing_mm(positions_mm: Floats) -> float | None:
    """The step between neighbours that occurs most often; of equals, the wider; None where no two steps agree."""
    steps = np.diff(np.sort(positions_mm))
    near = np.abs(steps[:, None] - steps[None, :]) < _SPACING_CLUSTER_MM
    votes = near.sum(axis=0)
    if not len(steps) or votes.max() < _STEPS_THAT_AGREE:
        return None
    best = max(range(len(steps)), key=lambda index: (int(votes[index]), float(steps[index])))
    return float(np.median(steps[near[best]]))


def _on_grid(positions_mm: Floats, spacing_mm: float, tolerance: float) -> NDArray[np.bool_]:
    """Which slices are at regular positions, from the anchor that suits most; of two at one position, the nearer."""
    steps = (positions_mm[:, None] - positions_mm[None, :]) / spacing_mm
    nodes = np.rint(steps)
    off = np.abs(steps - nodes)
    anchor = max(
        range(len(off)), key=lambda index: (int((off[:, index] <= tolerance).sum()), -float(off[:, index].sum()))
    )
    node, away = nodes[:, anchor], off[:, anchor]
    nearest = np.array([away[index] == away[node == node[index]].min() for index in range(len(node))])
    return nearest & (away <= tolerance)


def _placed(one: Slice, axis: Floats) -> Slice:
    return replace(one, position_mm=position_mm(one.plane, axis), tilt_degrees=tilt_degrees(one.plane.normal, axis))


def _require(found: int, least: int, what: str) -> None:
    if found < least:
        raise Rejected(f"{found} {what}; expected at least {least}")
