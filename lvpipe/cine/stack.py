"""From slices to one regular stack: the repair rules, each a function that says in the ledger what it did.

A rule takes slices and gives back those that stay. A new rule is a function and its place in `REPAIRS`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lvpipe.cine.blanks import drop_blank
from lvpipe.cine.cycle import frame_times_ms, keep_common_frames, match_cycle, order_frames, split_repeats
from lvpipe.cine.duplicates import keep_one_of_duplicates
from lvpipe.cine.ledger import Ledger
from lvpipe.cine.slices import Slice, check_slice_location, grouped, note_places, usual_count
from lvpipe.cine.time_units import guess_unit
from lvpipe.completeness import usual_spacing_mm
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import (
    BASEWARD,
    Floats,
    Plane,
    apexward,
    position_mm,
    same_grids,
    tilt_degrees,
)
from lvpipe.study import Frame

Rule = Callable[[list[Slice], ConvertSettings, Ledger], list[Slice]]


_SCALES_DIFFER = 4.0
"""Pixels of one stack differ by less: zoomed or zero-filled to twice the matrix, they are half as large."""


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
        return self.at_position(self.slices[index].position_mm)

    def at_position(self, along_mm: float) -> Plane:
        """The shared grid at any place along the axis."""
        gap_mm = along_mm - position_mm(self.grid, self.axis)
        return self.grid.at(np.asarray(self.grid.origin_mm) + gap_mm * self.axis)


def build_stack(frames: Sequence[Frame], slice_per_run: bool, settings: ConvertSettings, ledger: Ledger) -> Stack:
    """Group images into slices, put these along one axis, and apply every rule.

    Raises:
        Rejected: too little is left.
    """
    slices = grouped(frames, settings, slice_per_run, ledger)
    axis = apexward(usual_grid(slices, settings).normal)
    slices = [_placed(one, axis) for one in slices]
    note_places(slices, ledger)
    for rule in REPAIRS:
        slices = rule(slices, settings, ledger)
    slices = sorted(slices, key=lambda one: one.position_mm)
    if len(slices) < settings.slices_min:
        ledger.reject("reject_few_slices", f"{len(slices)} usable slices; expected at least {settings.slices_min}")
    if (left := len(slices[0].frames)) < settings.frames_min:
        ledger.reject("reject_few_frames", f"{left} common frames; expected at least {settings.frames_min}")
    grid = usual_grid(slices, settings)
    axis = apexward(grid.normal)
    placed = tuple(_placed(one, axis) for one in slices)
    check_slice_location(placed, ledger)
    return Stack(placed, axis, grid, tuple(frame_times_ms(slices, settings, ledger)))


def drop_other_planes(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Long-axis views and localisers in the folder: their normal is not that of most slices."""
    kept = []
    for one in slices:
        if one.tilt_degrees <= settings.orientation_tolerance_degrees:
            kept.append(one)
        else:
            what = f"{len(one.frames)} images tilted {one.tilt_degrees:.1f} degrees against the stack, dropped"
            ledger.drop("drop_other_planes", what, one.found)
    return kept


def drop_other_scales(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Pixels of another size altogether: no scan of a stack zooms so far, a damaged header does."""
    del settings
    usual_mm = np.median([one.plane.spacing_yx_mm for one in slices], axis=0)
    kept = []
    for one in slices:
        ratios = np.array(one.plane.spacing_yx_mm) / usual_mm
        if max(ratios.max(), 1 / ratios.min()) <= _SCALES_DIFFER:
            kept.append(one)
        else:
            dy_mm, dx_mm = one.plane.spacing_yx_mm
            what = f"pixels of {dy_mm:g} x {dx_mm:g} mm where {usual_mm[0]:g} x {usual_mm[1]:g} are usual, dropped"
            ledger.drop("drop_other_scales", what, one.found)
    return kept


def drop_incomplete(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Slices with half of the usual frames or fewer (before duplicates, so that a broken repeat never wins)."""
    usual = usual_count(slices)
    kept = []
    for one in slices:
        if len(one.frames) > settings.frame_share_required * usual:
            kept.append(one)
        else:
            ledger.drop("drop_incomplete", f"slice with {len(one.frames)} of {usual} frames, dropped", one.found)
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
            ledger.drop("drop_outlying", "slice far away from the stack, dropped", one.found)
    return kept


def drop_between(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Slices off the regular positions, inside the stack or beyond an end; where nothing is regular, all stay."""
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
    first_mm, last_mm = positions[regular].min(), positions[regular].max()
    for one in (one for one, on_grid in zip(slices, regular, strict=True) if not on_grid):
        beyond_mm = max(first_mm - one.position_mm, one.position_mm - last_mm)
        if beyond_mm > 0:
            what = f"slice {beyond_mm:.1f} mm beyond the last where {spacing_mm:.1f} are usual, dropped"
            ledger.drop("drop_stray_end", what, one.found)
        else:
            ledger.drop("drop_between", "slice between the regular positions, dropped", one.found)
    return [one for one, on_grid in zip(slices, regular, strict=True) if on_grid]


def note_gaps(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """A missing slice; the setting `gaps` says whether anything is put in its place."""
    del settings
    positions = np.sort([one.position_mm for one in slices])
    spacing_mm = usual_spacing_mm(positions)
    for (before, after), missing in zip(pairwise(positions), missing_after(positions), strict=True):
        if missing:
            what = f"{missing} missing here: {after - before:.1f} mm where {spacing_mm:.1f} are usual"
            ledger.note("note_gaps", what, float(before))
    return slices


REPAIRS: tuple[Rule, ...] = (
    drop_other_planes,
    drop_other_scales,
    drop_blank,
    guess_unit,
    split_repeats,
    drop_incomplete,
    keep_one_of_duplicates,
    drop_outlying,
    drop_between,
    drop_outlying,  # once more: what is gone now may have bridged a gap
    note_gaps,
    order_frames,
    match_cycle,
    keep_common_frames,
)
"""In this order: what is no slice of the stack goes before slices are compared with each other."""


def usual_grid(slices: Sequence[Slice], settings: ConvertSettings) -> Plane:
    """The pixel grid of most slices of the stack; of equals, the most central, so that least falls off its edges."""
    counts = Counter(one.plane for one in _of_one_orientation(slices, settings))
    planes = list(counts)
    shared = same_grids(planes, settings.grid_tolerance_mm) @ list(counts.values())
    common = [plane for plane, votes in zip(planes, shared, strict=True) if votes == shared.max()]
    middle = np.median([plane.centre_mm for plane in common], axis=0)
    away_mm = [_in_plane_mm(plane, middle) for plane in common]
    return common[int(np.argmin(np.round(away_mm, 3)))]


def _of_one_orientation(slices: Sequence[Slice], settings: ConvertSettings) -> list[Slice]:
    """The slices that form the stack: parallel, at the most positions; of equals the most slices, the most short-axis.

    Single images do not vote: localisers are many and parallel.
    """
    voters = [one for one in slices if len(one.frames) >= settings.frames_min] or list(slices)
    normals = np.array([one.plane.normal for one in voters])
    centres = np.array([one.plane.centre_mm for one in voters])
    within = np.cos(np.radians(settings.orientation_tolerance_degrees))
    parallel = np.abs(normals @ normals.T) >= within
    votes = {}
    for index, members in enumerate(parallel):
        heights = np.sort(centres[members] @ normals[index])
        places = 1 + int((np.diff(heights) >= settings.duplicate_within_mm).sum())
        votes[index] = (places, int(members.sum()), round(abs(float(normals[index] @ BASEWARD)), 6))
    best = max(votes, key=lambda index: votes[index])
    return [one for one, member in zip(voters, parallel[best], strict=True) if member]


def _in_plane_mm(plane: Plane, point_mm: Floats) -> float:
    away = point_mm - plane.centre_mm
    return float(np.linalg.norm(away - (away @ plane.normal) * plane.normal))


def missing_after(positions_mm: Floats) -> list[int]:
    """How many regular positions are empty between each slice and the next; none where nothing is regular."""
    spacing_mm = usual_spacing_mm(positions_mm)
    steps = np.diff(positions_mm)
    return [0 if spacing_mm is None else max(0, round(step / spacing_mm) - 1) for step in steps.tolist()]


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
    """The slice with its place along the axis, which the ledger gets too."""
    found = one.found
    found.position_mm, found.tilt_degrees = position_mm(one.plane, axis), tilt_degrees(one.plane.normal, axis)
    return replace(one, position_mm=found.position_mm, tilt_degrees=found.tilt_degrees)
