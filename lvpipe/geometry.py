"""Where slices lie: planes in patient space, the stack's axis and positions, maps between pixel grids, affines.

Patient space is DICOM's LPS+ (left, posterior, superior) in mm; only `affine_ras` speaks NIfTI's RAS+.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

_BASEWARD = np.array([-1.4, 1.0, 0.8])
"""LPS direction from the apex to the base in most people: right, back and up (the Kaggle winner's heuristic)."""

_UNEVEN_SHARE = 0.01
"""Steps that differ from their median by more than this share make a stack uneven."""


@dataclass(frozen=True)
class Plane:
    """The pixel grid of one image: the centre of its first pixel, unit vectors along x (columns) and y (rows)."""

    origin_mm: Vector
    x_axis: Vector
    y_axis: Vector
    spacing_yx_mm: tuple[float, float]
    shape_yx: tuple[int, int]

    @cached_property
    def normal(self) -> Floats:
        """The unit vector x × y."""
        return unit(np.cross(self.x_axis, self.y_axis))

    @property
    def steps_mm(self) -> Floats:
        """3 x 2: what one pixel along x and one along y are in mm."""
        dy, dx = self.spacing_yx_mm
        return np.stack([np.multiply(self.x_axis, dx), np.multiply(self.y_axis, dy)], axis=1)

    def at(self, origin_mm: Floats) -> "Plane":
        """The same grid with its first pixel elsewhere."""
        x, y, z = (float(value) for value in origin_mm)
        return replace(self, origin_mm=(x, y, z))


def unit(vector: Sequence[float] | Floats) -> Floats:
    """The vector at length 1."""
    array = np.asarray(vector, dtype=np.float64)
    return array / np.linalg.norm(array)


def tilt_degrees(one: Floats, other: Floats) -> float:
    """The angle between two unit normals, whichever way they point."""
    return math.degrees(math.acos(min(1.0, abs(float(one @ other)))))


def apexward(normal: Floats) -> Floats:
    """The normal, turned to point from base to apex."""
    return -normal if float(normal @ _BASEWARD) > 0 else normal


def position_mm(plane: Plane, axis: Floats) -> float:
    """Where the plane lies along the stack's axis."""
    return float(np.dot(plane.origin_mm, axis))


def pixel_map(source: Plane, target: Plane) -> Floats:
    """2 x 3: from a target pixel (x, y, 1) to the source pixel (x, y) straight below it along the target's normal."""
    basis = np.column_stack([source.steps_mm, -target.normal])
    offset = np.subtract(target.origin_mm, source.origin_mm)
    mapped = np.linalg.solve(basis, np.column_stack([target.steps_mm, offset]))
    return np.asarray(mapped[:2], dtype=np.float64)


def map_points(matrix: Floats, points_xy: Floats) -> Floats:
    """Points (n, 2) through a 2 x 3 map."""
    return points_xy @ matrix[:, :2].T + matrix[:, 2]


def inverse_map(matrix: Floats) -> Floats:
    """The 2 x 3 map back."""
    square = np.asarray(np.linalg.inv(matrix[:, :2]), dtype=np.float64)
    return np.column_stack([square, -square @ matrix[:, 2]])


def corner_shift_px(matrix: Floats, other: Floats, shape_yx: tuple[int, int]) -> float:
    """How far two maps of a grid of this shape lie apart at its worst corner, in pixels."""
    rows, columns = shape_yx
    corners = np.array([(x, y) for x in (0, columns - 1) for y in (0, rows - 1)], dtype=np.float64)
    return float(np.abs(map_points(matrix, corners) - map_points(other, corners)).max())


def same_grid(one: Plane, other: Plane, tolerance_px: float) -> bool:
    """Whether pixels of two planes lie on each other, seen along the normal."""
    identity = np.eye(2, 3)
    if one.shape_yx != other.shape_yx or tilt_degrees(one.normal, other.normal) > 45:
        return False
    return corner_shift_px(pixel_map(one, other), identity, one.shape_yx) <= tolerance_px


def affine_ras(plane: Plane, step_mm: Floats) -> Floats:
    """Voxel (x, y, z) to RAS+ mm, for slices that start at `plane` and lie `step_mm` apart."""
    affine = np.eye(4)
    affine[:3, :2] = plane.steps_mm
    affine[:3, 2] = step_mm
    affine[:3, 3] = plane.origin_mm
    return _LPS_TO_RAS @ affine


def is_even(positions_mm: Sequence[float]) -> bool:
    """Whether slices lie at equal distances."""
    steps = np.diff(positions_mm)
    return bool(len(steps) and np.ptp(steps) <= _UNEVEN_SHARE * abs(np.median(steps)))


def fit_line(points_mm: Floats) -> tuple[Floats, Floats]:
    """Start and step of the even row of points that fits best: it evens out the rounding of headers."""
    index = np.arange(len(points_mm), dtype=np.float64)
    solution, *_ = np.linalg.lstsq(np.column_stack([np.ones_like(index), index]), points_mm, rcond=None)
    return solution[0], solution[1]


def to_mm(affine: Floats, voxels_xyz: Floats) -> Floats:
    """Voxel coordinates (n, 3) to mm."""
    return voxels_xyz @ affine[:3, :3].T + affine[:3, 3]


def to_voxels(affine: Floats, points_mm: Floats) -> Floats:
    """Points in mm (n, 3) to voxel coordinates."""
    return to_mm(np.asarray(np.linalg.inv(affine), dtype=np.float64), points_mm)
