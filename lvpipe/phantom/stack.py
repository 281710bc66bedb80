"""Where slices lie in the patient: poses, planes and what was acquired on them, all in DICOM's patient millimetres."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.config.phantom import PhantomCohort
    from lvpipe.phantom.heart import Heart

    Floats = NDArray[np.floating]

LONG_AXIS = np.array([0.62, -0.52, -0.58])
"""Base to apex in patient axes (left, posterior, superior): left, forward and down, as real headers have it."""


@dataclass(frozen=True)
class Pose:
    """Where the heart is: rows of `axes` are its x, y and z in patient axes, `origin_mm` its mitral centre."""

    axes: "Floats"
    origin_mm: "Floats"

    def to_heart(self, points_mm: "Floats") -> "Floats":
        """Carry patient points [3, ...] into the heart's frame."""
        away = points_mm - self.origin_mm.reshape((3,) + (1,) * (points_mm.ndim - 1))
        return np.asarray(np.tensordot(self.axes, away, axes=1))

    def to_patient(self, point_mm: "Floats") -> "Floats":
        """Carry one point of the heart's frame to the patient."""
        return np.asarray(self.origin_mm + point_mm @ self.axes)


@dataclass(frozen=True)
class Plane:
    """One image plane: the patient position of the first pixel, the directions along its row and column, the grid."""

    position_mm: "Floats"
    along_row: "Floats"
    along_column: "Floats"
    rows: int
    columns: int
    pixel_mm: float
    thickness_mm: float

    @property
    def normal(self) -> "Floats":
        """Unit normal, as DICOM readers compute it."""
        return np.asarray(np.cross(self.along_row, self.along_column))

    @property
    def centre_mm(self) -> "Floats":
        """The middle of the image."""
        return self._point((self.columns - 1) / 2, (self.rows - 1) / 2)

    def points(self) -> "Floats":
        """Patient coordinates of all pixel centres, as [3, row, column]."""
        row, column = np.mgrid[: self.rows, : self.columns].astype(np.float32)
        steps = np.multiply.outer(self.along_row, column) + np.multiply.outer(self.along_column, row)
        return np.asarray(steps * self.pixel_mm + self.position_mm[:, None, None], np.float32)

    def to_pixels(self, points_mm: "Floats") -> "Floats":
        """Column and row, pixel centres at whole numbers, of patient points [3, n]; as [2, n]."""
        away = points_mm - self.position_mm[:, None]
        return np.asarray(np.stack([self.along_row @ away, self.along_column @ away]) / self.pixel_mm)

    def with_grid(self, rows: int, columns: int, pixel_mm: float) -> "Plane":
        """Return the same plane about the same middle with another grid."""
        corner = -(columns - 1) / 2 * pixel_mm * self.along_row - (rows - 1) / 2 * pixel_mm * self.along_column
        return replace(self, position_mm=self.centre_mm + corner, rows=rows, columns=columns, pixel_mm=pixel_mm)

    def window(self, row: int, column: int, rows: int, columns: int) -> "Plane":
        """Return a part of the same grid."""
        return replace(self, position_mm=self._point(column, row), rows=rows, columns=columns)

    def turned(self) -> "Plane":
        """Return the same pixels turned by 90 degrees: rows become columns."""
        corner = self._point(self.columns - 1, 0)
        return replace(
            self, position_mm=corner, along_row=self.along_column, along_column=-self.along_row,
            rows=self.columns, columns=self.rows,
        )  # fmt: skip

    def shifted(self, distance_mm: float) -> "Plane":
        """Return the parallel plane this far along the normal."""
        return replace(self, position_mm=self.position_mm + distance_mm * self.normal)

    def _point(self, column: float, row: float) -> "Floats":
        step = column * self.along_row + row * self.along_column
        return np.asarray(self.position_mm + self.pixel_mm * step)


@dataclass(frozen=True)
class Acquisition:
    """One folder of images: a plane, the frames kept in file order, and what the header will say of it.

    `frames` are true frame indices in the order of file and instance numbers. `shift_mm` is where the breath-hold left
    the patient. `role` is `slice` for a regular short-axis slice, else why it is there: `repeat`, `stray`, `view`.
    `first_number` is above 1 where files of the same folder show another slice. `cycle_frames` is how many frames it
    divides the cycle into, 0 for as many as the others.
    """

    folder: str
    plane: Plane
    frames: tuple[int, ...]
    series: int
    shift_mm: tuple[float, float, float]
    role: str = "slice"
    noise_factor: float = 1.0
    phase_direction: str = "ROW"
    first_number: int = 1
    cycle_frames: int = 0

    def moment(self, index: int, usual_frames: int) -> float:
        """When in the cycle its `index`-th frame was taken, from 0 to 1."""
        if self.cycle_frames:
            return (index + 0.5) / self.cycle_frames
        return (self.frames[index] + 0.5) / usual_frames


def draw_pose(rng: np.random.Generator) -> Pose:
    """Draw how the heart lies in the chest: x points left and back, y down, z to the apex."""
    long_axis = _unit(LONG_AXIS + rng.normal(0, 0.07, 3))
    down = _unit(np.array([0.0, 0.0, -1.0]) - long_axis * -long_axis[2])
    across = np.cross(long_axis, down)
    return Pose(np.stack([across, down, long_axis]), rng.normal(0, 12.0, 3))


def draw_stack(cohort: "PhantomCohort", heart: "Heart", pose: Pose, rng: np.random.Generator) -> list[Acquisition]:
    """Plan a short-axis stack from above the mitral plane to beyond the apex, in base to apex order."""
    spacing = float(rng.uniform(*cohort.slice_spacing_mm))
    first = _first_plane(cohort, spacing, heart, pose, rng)
    start = -spacing * rng.uniform(0.3, 1.8)
    count = int(np.ceil((heart.apex_mm + rng.uniform(-0.3, 0.8) * spacing - start) / spacing))
    frames = tuple(range(len(heart.volumes_ml)))
    series = int(rng.integers(4, 12))
    hold = float(rng.uniform(*cohort.breath_hold_mm)) * np.array([0.7, 1.0, 0.5])
    direction = str(rng.choice(["ROW", "COL"]))
    stack = []
    for index in range(count):
        plane = first.shifted(-(start + index * spacing))
        x, y, z = (float(v) for v in rng.normal(0, 1, 3) * hold)
        stack.append(Acquisition(f"sax_{series}", plane, frames, series, (x, y, z), phase_direction=direction))
        series += 1
    return stack


def draw_views(cohort: "PhantomCohort", heart: "Heart", pose: Pose, stack: list[Acquisition]) -> list[Acquisition]:
    """Plan the two- and four-chamber views, of a few frames each."""
    frames = tuple(range(min(cohort.long_axis_frames, len(heart.volumes_ml))))
    if not frames:
        return []
    series = stack[-1].series + 5
    angles = {"2ch": np.radians(80.0), "4ch": np.radians(5.0)}
    return [
        Acquisition(f"{view}_{series + i}", long_axis_plane(stack[0].plane, heart, pose, angle), frames, series + i,
                    (0.0, 0.0, 0.0), role="view")
        for i, (view, angle) in enumerate(angles.items())
    ]  # fmt: skip


def long_axis_plane(like: Plane, heart: "Heart", pose: Pose, angle: float) -> Plane:
    """Return a plane through the heart's long axis that contains the direction `angle` of the short axis."""
    across, down, apex = pose.axes
    along_column = np.cos(angle) * across + np.sin(angle) * down
    middle = pose.to_patient(np.array([0.0, 0.0, heart.length_mm * 0.4]))
    plane = replace(like, position_mm=middle, along_row=apex, along_column=along_column, rows=1, columns=1)
    return plane.with_grid(like.rows, like.columns, like.pixel_mm)


def _first_plane(
    cohort: "PhantomCohort", spacing_mm: float, heart: "Heart", pose: Pose, rng: np.random.Generator
) -> Plane:
    """Plan the plane through the mitral centre; its normal points to the base, as scanners have it."""
    longer = int(rng.integers(cohort.matrix[0], cohort.matrix[1] + 1) // 2 * 2)
    shorter = longer if cohort.square else int(longer * rng.choice([0.75, 0.82, 1.0]) // 2 * 2)
    rows, columns = (longer, shorter) if rng.random() < 0.5 else (shorter, longer)
    pixel = round(float(rng.uniform(*cohort.field_mm)) / longer, 4)
    thickness = round(min(float(rng.uniform(*cohort.slice_thickness_mm)), spacing_mm), 1)
    turn = float(np.clip(rng.normal(-0.2, 0.5), -1.3, 1.0))
    across, down, _ = pose.axes
    along_row = np.cos(turn) * across + np.sin(turn) * down
    along_column = -np.sin(turn) * across + np.cos(turn) * down
    room = np.clip((np.array([columns, rows]) * pixel / 2 - heart.radius_mm - 55.0) * 0.45, 4.0, 30.0)
    away = rng.uniform(-1, 1, 2) * room
    middle = pose.origin_mm + away[0] * along_row + away[1] * along_column
    start = Plane(middle, along_row, along_column, 1, 1, pixel, thickness)
    return start.with_grid(rows, columns, pixel)


def _unit(vector: "Floats") -> "Floats":
    return np.asarray(vector / np.linalg.norm(vector))
