"""From a stack to the cine's array and its affine: every slice on the grid that most share, one above the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.cine.carry import carried_frames, carried_labels, share_outside
from lvpipe.cine.ledger import Ledger
from lvpipe.cine.stack import Stack
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import POSITION_TOLERANCE_MM, Floats, affine_ras, fit_even_row, inverse_map, is_even, pixel_map

_WHOLE_BYTES_MOST = 4

_SHARE_WORTH_TELLING = 0.001
"""Pixels that fall off the common grid: a thousandth is less than one row."""


def compute_cine(stack: Stack, settings: ConvertSettings, ledger: Ledger) -> NDArray[Any]:
    """All slices on the shared grid, as (t, z, y, x)."""
    shape = (len(stack.times_ms), len(stack.slices), *stack.grid.shape_yx)
    cine_tzyx = np.zeros(shape, dtype=_storable(stack, ledger))
    for z, one in enumerate(stack.slices):
        frames_tyx = np.stack([frame.pixels_yx for frame in one.frames])
        matrix = pixel_map(one.plane, stack.target(z))
        carried, how = carried_frames(frames_tyx, matrix, stack.grid.shape_yx, tolerance_px(stack, settings))
        if how:
            lost = share_outside(matrix, one.plane.shape_yx, stack.grid.shape_yx)
            off = f", {lost:.1%} of its pixels fall off the edges" if lost > _SHARE_WORTH_TELLING else ""
            ledger.mend("carry_to_grid", f"slice on another pixel grid, {how}{off}", one.found)
        cine_tzyx[:, z] = carried
    lay_flat(stack, ledger)
    return cine_tzyx


def lay_flat(stack: Stack, ledger: Ledger) -> None:
    """Slices tilted too little to be dropped: a stack has one normal, so their corners are drawn off their place."""
    for one in stack.slices:
        away_mm = float(np.abs(one.plane.corners_mm @ stack.axis - one.position_mm).max())
        if away_mm > POSITION_TOLERANCE_MM:
            what = f"tilted {one.tilt_degrees:.2f} degrees: corners lie up to {away_mm:.2f} mm off where they are drawn"
            ledger.mend("lay_flat", what, one.found)


def affine(stack: Stack, positions_mm: Sequence[float], ledger: Ledger) -> Floats:
    """Voxel to RAS+ mm: exact for even stacks; the median distance for others, whose positions the ledger has."""
    starts = np.array([stack.at_position(position).origin_mm for position in positions_mm])
    start, step = starts[0], spacing_mm(stack, positions_mm) * stack.axis
    if len(starts) > 2 and is_even(positions_mm):
        start, step = fit_even_row(starts)
    drawn = start + np.arange(len(starts))[:, None] * step
    away_mm = np.linalg.norm(drawn - starts, axis=1)
    if away_mm.max() > POSITION_TOLERANCE_MM:
        steps = np.diff(positions_mm)
        what = f"distances of {steps.min():.2f} to {steps.max():.2f} mm are drawn as {np.linalg.norm(step):.2f} mm: "
        what += f"slices are up to {away_mm.max():.2f} mm off their places, which positions_mm tells"
        ledger.note("uneven_positions", what)
    return affine_ras(stack.grid.at(start), step)


def spacing_mm(stack: Stack, positions_mm: Sequence[float]) -> float:
    """The median distance between neighbouring slices; the thickness of a single one."""
    if len(positions_mm) > 1:
        return float(np.median(np.diff(positions_mm)))
    return stack.slices[0].frames[0].thickness_mm or 1.0


def labels_on_grid(stack: Stack, z: int, labels_yx: NDArray[Any], settings: ConvertSettings) -> NDArray[np.uint8]:
    """One slice's labels on the shared grid."""
    matrix = pixel_map(stack.slices[z].plane, stack.target(z))
    return carried_labels(labels_yx, matrix, stack.grid.shape_yx, tolerance_px(stack, settings))


def source_to_cine(stack: Stack, z: int) -> Floats:
    """2 x 3: from a pixel (x, y) of a slice's own images to the cine's."""
    return inverse_map(pixel_map(stack.slices[z].plane, stack.target(z)))


def time_step_ms(stack: Stack) -> float:
    """The median step between frames."""
    steps = np.diff(stack.times_ms)
    return float(np.median(steps)) if len(steps) else 0.0


def tolerance_px(stack: Stack, settings: ConvertSettings) -> float:
    """How far off a whole number of pixels a slice may lie and still be taken as it is."""
    return settings.grid_tolerance_mm / max(stack.grid.spacing_yx_mm)


def _storable(stack: Stack, ledger: Ledger) -> np.dtype[Any]:
    """What holds all images and a NIfTI viewer surely reads: half floats and 64-bit numbers become float32."""
    kinds = {frame.pixels_yx.dtype for one in stack.slices for frame in one.frames}
    kind = np.result_type(*kinds)
    if kind.kind in "iu" and kind.itemsize <= _WHOLE_BYTES_MOST:
        return kind
    if all(one.kind in "iu" for one in kinds):
        told = ", ".join(sorted(str(one) for one in kinds))
        ledger.note("round_wide_values", f"images of {told}, which no 32 bits hold together, became float32")
    return np.dtype(np.float32)
