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

BASEWARD = np.array([-1.4, 1.0, 0.8])
"""LPS direction from the apex to the base in most people: right, back and up (the Kaggle winner's heuristic)."""

POSITION_TOLERANCE_MM = 0.01
"""What a position may be off before it is worth an event: the rounding of headers stays below."""

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

    @property
    def centre_mm(self) -> Floats:
        """The middle of the image."""
        rows, columns = self.shape_yx
        return np.asarray(self.origin_mm + self.steps_mm @ ((columns - 1) / 2, (rows - 1) / 2))

    @property
    def corners_mm(self) -> Floats:
        """4 x 3: the centres of its outermost pixels."""
        rows, columns = self.shape_yx
        corners_xy = [(x, y) for x in (0, columns - 1) for y in (0, rows - 1)]
        return np.asarray(self.origin_mm + np.array(corners_xy) @ self.steps_mm.T)

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
    return -normal if float(normal @ BASEWARD) > 0 else normal


def position_mm(plane: Plane, axis: Floats) -> float:
    """Where the middle of the plane lies along the stack's axis: of a tilted one, the corners are elsewhere."""
    return float(plane.centre_mm @ axis)


def corner_distance_mm(one: Plane, other: Plane) -> float:
    """How far two images of one shape lie apart at their worst corner, whatever differs: place, axes or spacing."""
    return float(np.linalg.norm(one.corners_mm - other.corners_mm, axis=1).max())


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


def same_grids(planes: Sequence[Plane], tolerance_mm: float) -> NDArray[np.bool_]:
    """N x N: which planes are parallel and have their pixels on each other, seen along the normal."""
    corners, shapes = np.array([plane.corners_mm for plane in planes]), np.array([plane.shape_yx for plane in planes])
    same = np.zeros((len(planes), len(planes)), dtype=bool)
    for index, plane in enumerate(planes):
        away = corners - corners[index]
        heights = away @ plane.normal
        beside = np.linalg.norm(away - heights[..., None] * plane.normal, axis=2).max(axis=1)
        same[index] = (beside <= tolerance_mm) & (np.ptp(heights, axis=1) <= tolerance_mm)
        same[index] &= (shapes == shapes[index]).all(axis=1)
    return same


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


def fit_even_row(points_mm: Floats) -> tuple[Floats, Floats]:
    """Start and step of the even row of points that fits best: it evens out the rounding of headers."""
    index = np.arange(len(points_mm), dtype=np.float64)
    solution, *_ = np.linalg.lstsq(np.column_stack([np.ones_like(index), index]), points_mm, rcond=None)
    return solution[0], solution[1]


def to_mm(affine: Floats, voxels_xyz: Floats) -> Floats:
    """Voxel coordinates (n, 3) to mm."""
    return voxels_xyz @ affine[:3, :3].T + affine[:3, 3]
