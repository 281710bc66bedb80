"""From a stack to the cine's array: slices on other pixel grids are carried to the one that most share.

`exact` turns, mirrors, pads and crops without touching a value; all else is linear interpolation, averaged over what a
coarser target pixel covers. (SimpleITK would do the second, at the cost of loading it for every case.)
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import Floats, affine_ras, corner_shift_px, fit_line, inverse_map, is_even, pixel_map
from lvpipe.images import Image
from lvpipe.ledger import Ledger
from lvpipe.stack import Stack


def compute_cine(stack: Stack, settings: ConvertSettings, ledger: Ledger) -> Image:
    """All slices on the shared grid, as (t, z, y, x), with the affine that puts them into the patient."""
    kind = np.result_type(*(frame.pixels_yx.dtype for one in stack.slices for frame in one.frames))
    shape = (len(stack.times_ms), len(stack.slices), *stack.grid.shape_yx)
    cine_tzyx = np.zeros(shape, dtype=_storable(kind))
    for z, one in enumerate(stack.slices):
        frames_tyx = np.stack([frame.pixels_yx for frame in one.frames])
        matrix = pixel_map(one.plane, stack.target(z))
        carried, how = carried_frames(frames_tyx, matrix, stack.grid.shape_yx, settings.grid_tolerance_px)
        if how:
            ledger.note("carry_to_grid", f"slice on another pixel grid, {how}", one.position_mm)
        cine_tzyx[:, z] = carried
    return Image(cine_tzyx, affine(stack), _time_step_ms(stack))


def affine(stack: Stack) -> Floats:
    """Voxel to RAS+ mm: exact for even stacks; the median distance for others, whose positions the ledger has."""
    starts = np.array([stack.target(z).origin_mm for z in range(len(stack.slices))])
    if len(starts) > 2 and is_even(stack.positions_mm):
        start, step = fit_line(starts)
        return affine_ras(stack.grid.at(start), step)
    return affine_ras(stack.grid.at(starts[0]), spacing_mm(stack) * stack.axis)


def spacing_mm(stack: Stack) -> float:
    """The median distance between neighbouring slices; the thickness of a single one."""
    if len(stack.slices) > 1:
        return float(np.median(np.diff(stack.positions_mm)))
    return stack.slices[0].frames[0].thickness_mm or 1.0


def carried_frames(
    frames_tyx: NDArray[Any], matrix: Floats, shape_yx: tuple[int, int], tolerance_px: float
) -> tuple[NDArray[Any], str]:
    """Frames on a target grid, given the map from its pixels to the source's, and how they came there ("" = as is)."""
    whole = np.rint(matrix)
    if corner_shift_px(matrix, whole, shape_yx) <= tolerance_px and abs(np.linalg.det(whole[:, :2])) == 1:
        if np.array_equal(whole, np.eye(2, 3)) and frames_tyx.shape[1:] == shape_yx:
            return frames_tyx, ""
        return _moved(frames_tyx, whole.astype(int), shape_yx), "turned, mirrored, padded or cropped exactly"
    return _interpolated(frames_tyx, matrix, shape_yx), "interpolated linearly"


def carried_labels(stack: Stack, z: int, labels_yx: NDArray[Any], tolerance_px: float) -> NDArray[np.uint8]:
    """One slice's labels on the shared grid: exactly where a grid of whole pixels allows, else of the nearest pixel."""
    from scipy.ndimage import map_coordinates

    shape_yx, matrix = stack.grid.shape_yx, pixel_map(stack.slices[z].plane, stack.target(z))
    whole = np.rint(matrix)
    if corner_shift_px(matrix, whole, shape_yx) <= tolerance_px and abs(np.linalg.det(whole[:, :2])) == 1:
        return np.asarray(_moved(labels_yx[None], whole.astype(int), shape_yx)[0], np.uint8)
    y, x = np.indices(shape_yx, dtype=np.float64)
    source_x, source_y = (row[0] * x + row[1] * y + row[2] for row in matrix)
    return np.asarray(map_coordinates(labels_yx.astype(np.uint8), (source_y, source_x), order=0))


def _moved(frames_tyx: NDArray[Any], matrix: NDArray[np.int_], shape_yx: tuple[int, int]) -> NDArray[Any]:
    """Look every target pixel up in the source; zero where that is outside."""
    y, x = np.indices(shape_yx)
    source_x, source_y = (row[0] * x + row[1] * y + row[2] for row in matrix)
    rows, columns = frames_tyx.shape[1:]
    inside = (source_x >= 0) & (source_x < columns) & (source_y >= 0) & (source_y < rows)
    moved = np.zeros((len(frames_tyx), *shape_yx), dtype=frames_tyx.dtype)
    moved[:, inside] = frames_tyx[:, source_y[inside], source_x[inside]]
    return moved


def _interpolated(frames_tyx: NDArray[Any], matrix: Floats, shape_yx: tuple[int, int]) -> NDArray[Any]:
    from scipy.ndimage import map_coordinates

    y, x = np.indices(shape_yx, dtype=np.float64)
    samples = max(1, math.ceil(np.abs(matrix[:, :2]).sum(axis=1).max() - 0.01))
    offsets = (np.arange(samples) + 0.5) / samples - 0.5
    total = np.zeros((len(frames_tyx), *shape_yx))
    for dy in offsets:
        for dx in offsets:
            source_x, source_y = (row[0] * (x + dx) + row[1] * (y + dy) + row[2] for row in matrix)
            for t, frame_yx in enumerate(frames_tyx):
                total[t] += map_coordinates(frame_yx.astype(np.float64), (source_y, source_x), order=1)
    mean: NDArray[Any] = total / samples**2
    return mean if frames_tyx.dtype.kind == "f" else np.rint(mean).astype(frames_tyx.dtype)


def source_to_cine(stack: Stack, z: int) -> Floats:
    """2 x 3: from a pixel (x, y) of a slice's own images to the cine's."""
    return inverse_map(pixel_map(stack.slices[z].plane, stack.target(z)))


def _storable(kind: np.dtype[Any]) -> np.dtype[Any]:
    """What a NIfTI viewer surely reads: half floats and 64-bit numbers become float32."""
    return kind if kind.kind in "iu" and kind.itemsize <= 4 else np.dtype(np.float32)


def _time_step_ms(stack: Stack) -> float:
    steps = np.diff(stack.times_ms)
    return float(np.median(steps)) if len(steps) else 0.0
