"""One slice's pixels carried to another grid: exactly where whole pixels allow it, else interpolated.

All but turns, mirrors, pads and crops is linear interpolation, averaged over what a coarser target pixel covers.
(SimpleITK would do the second, at the cost of loading it for every case.)
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.geometry import Floats, corner_shift_px, inverse_map


def carried_frames(
    frames_tyx: NDArray[Any], matrix: Floats, shape_yx: tuple[int, int], tolerance_px: float
) -> tuple[NDArray[Any], str]:
    """Frames on a target grid, given the map from its pixels to the source's, and how they came there ("" = as is)."""
    whole = _whole_map(matrix, shape_yx, tolerance_px)
    if whole is None:
        return _interpolated(frames_tyx, matrix, shape_yx), "interpolated linearly"
    if np.array_equal(whole, np.eye(2, 3)) and frames_tyx.shape[1:] == shape_yx:
        return frames_tyx, ""
    return _moved(frames_tyx, whole, shape_yx), "turned, mirrored, padded or cropped exactly"


def carried_labels(
    labels_yx: NDArray[Any], matrix: Floats, shape_yx: tuple[int, int], tolerance_px: float
) -> NDArray[np.uint8]:
    """Labels on a target grid: exactly where a grid of whole pixels allows, else of the nearest pixel."""
    from scipy.ndimage import map_coordinates

    whole = _whole_map(matrix, shape_yx, tolerance_px)
    if whole is not None:
        return np.asarray(_moved(labels_yx[None], whole, shape_yx)[0], np.uint8)
    y, x = np.indices(shape_yx, dtype=np.float64)
    source_x, source_y = (row[0] * x + row[1] * y + row[2] for row in matrix)
    return np.asarray(map_coordinates(labels_yx.astype(np.uint8), (source_y, source_x), order=0))


def share_outside(matrix: Floats, source_yx: tuple[int, int], target_yx: tuple[int, int]) -> float:
    """The share of the source's pixels that fall off the target grid, given the map from target to source."""
    y, x = np.indices(source_yx, dtype=np.float64)
    at_x, at_y = (row[0] * x + row[1] * y + row[2] for row in inverse_map(matrix))
    rows, columns = target_yx
    inside = (at_x > -0.51) & (at_x < columns - 0.49) & (at_y > -0.51) & (at_y < rows - 0.49)
    return 1.0 - float(inside.mean())


def _whole_map(matrix: Floats, shape_yx: tuple[int, int], tolerance_px: float) -> NDArray[np.int_] | None:
    """The map in whole pixels that is within the tolerance of this one, if one is."""
    whole = np.rint(matrix)
    near = corner_shift_px(matrix, whole, shape_yx) <= tolerance_px
    return whole.astype(int) if near and abs(np.linalg.det(whole[:, :2])) == 1 else None


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
