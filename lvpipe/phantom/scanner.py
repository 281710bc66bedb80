"""What a scanner makes of a body: signals, partial volume, point spread, coil, field of view, noise, whole numbers.

Water and fat are kept apart until the end: balanced SSFP shows |water - fat|, which draws the dark lines around organs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.phantom.texture import Field, cover, draw_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.config.phantom import Contrast
    from lvpipe.phantom.body import Body
    from lvpipe.phantom.chambers import Chambers
    from lvpipe.phantom.distractors import Distractor
    from lvpipe.phantom.stack import Acquisition, Pose

    Floats = NDArray[np.floating]

SUB_PLANES = 4
"""Sheets averaged through a short-axis slice: 2 mm each in a slice of 8 mm. Long-axis views make do with one."""

BODY_SHEETS = 2
"""Sheets averaged where nothing moves; the body changes slowly along the slice normal."""

HEIGHT_STEP_MM = 1.5
"""Step of the look-up tables in oblique planes; short-axis sheets are tabulated exactly where they lie."""

EDGE_MM = 1.2
"""Width of the edge between two tissues of the heart: just under one pixel; point spread and sheets add to it."""

NOISE_SIDE = 600
"""Side of the noise pool from which each frame takes its own patch: drawing all anew costs a third of the time."""


@dataclass(frozen=True)
class Scanner:
    """One examination's settings."""

    myocardium: float
    right_blood: float
    fat: float
    papillary: float
    opposed: float
    flow: float
    noise: float
    blur_pixels: float
    scale: float
    view: str
    flow_field: Field
    grain_field: Field


def draw_scanner(contrast: "Contrast", fat: float, vendor: str, rng: np.random.Generator) -> Scanner:
    """Draw signals and image quality; vendors differ in the range of their numbers and in the shape of the field."""
    shapes = {"GE": ["circle", "circle", "barrel"], "SIEMENS": ["whole", "barrel"], "PHILIPS": ["whole"]}
    scales = {"GE": (500.0, 1500.0), "SIEMENS": (90.0, 320.0), "PHILIPS": (250.0, 900.0)}
    myocardium = float(rng.uniform(*contrast.myocardium))
    return Scanner(
        myocardium=myocardium,
        right_blood=float(rng.uniform(0.85, 1.05)),
        fat=fat,
        papillary=myocardium * float(rng.uniform(0.9, 1.4)),
        opposed=float(rng.uniform(0.25, 1.0)),
        flow=float(rng.uniform(*contrast.flow)),
        noise=float(rng.uniform(*contrast.noise)),
        blur_pixels=float(rng.uniform(*contrast.blur_pixels)),
        scale=float(rng.uniform(*scales[vendor])),
        view=str(rng.choice(shapes[vendor])),
        flow_field=draw_field(22.0, rng),
        grain_field=draw_field(8.0, rng),
    )


@dataclass(frozen=True)
class Scene:
    """A patient in a scanner: all that is needed to image any plane."""

    chambers: "Chambers"
    body: "Body"
    pose: "Pose"
    scanner: Scanner
    distractors: "tuple[Distractor, ...]" = ()

    def image(self, taken: "Acquisition", rng: np.random.Generator) -> "NDArray[np.uint16]":
        """Image one plane in the frames of the acquisition, as [frame, row, column]."""
        from scipy.ndimage import gaussian_filter

        points = taken.plane.points() - np.asarray(taken.shift_mm, np.float32).reshape(3, 1, 1)
        blur = self.scanner.blur_pixels
        around = self._around(points, taken)
        rows, columns, moving = self._moving(points, taken, around)
        frames = np.empty((len(taken.frames), *around.shape[2:]), np.float32)
        frames[:] = self._signal(*gaussian_filter(around, (0, 0, blur, blur)))
        frames[:, rows, columns] = self._signal(*gaussian_filter(moving, (0, 0, blur, blur)))
        frames *= self.body.coil(points - self.pose.origin_mm.astype(np.float32).reshape(3, 1, 1))
        _add_noise(frames, self.scanner.noise * taken.noise_factor, rng)
        frames *= self._field_of_view(taken.plane.rows, taken.plane.columns) * self.scanner.scale
        return np.minimum(frames + 0.5, 32767).astype(np.uint16)

    def _signal(self, water: "Floats", fat: "Floats") -> "Floats":
        """Let water and fat of a pixel partly cancel, as far as the echo time makes them opposed."""
        opposed = np.float32(self.scanner.opposed)
        return np.asarray((1.0 - opposed) * (water + fat) + opposed * np.abs(water - fat))

    def _around(self, points_mm: "Floats", taken: "Acquisition") -> "Floats":
        """Water and fat of everything around the heart, as [2, frame, row, column]; one frame if nothing pulsates."""
        around = self._still(points_mm, taken)[:, None]
        if not self.distractors:
            return around
        local = self.pose.to_heart(points_mm).astype(np.float32)
        contracted = np.asarray(self.chambers.heart.contracted[np.asarray(taken.frames)], np.float32)
        for thing in self.distractors:
            around = thing.paint(around, local, contracted)
        return around

    def _still(self, points_mm: "Floats", taken: "Acquisition") -> "Floats":
        """Water and fat of the body, as [2, row, column]."""
        origin = self.pose.origin_mm.astype(np.float32).reshape(3, 1, 1)
        normal = taken.plane.normal.astype(np.float32).reshape(3, 1, 1)
        sheets = [self.body.paint(points_mm - origin + step * normal) for step in _steps(taken, BODY_SHEETS)]
        return np.asarray(np.mean(sheets, axis=0), np.float32)

    def _moving(self, points_mm: "Floats", taken: "Acquisition", around: "Floats") -> "tuple[slice, slice, Floats]":
        """Water and fat in the box around the beating heart, as [2, frame, row, column], and where that box is."""
        normal = taken.plane.normal.astype(np.float32)
        rows, columns = self._box(points_mm)
        local = self.pose.to_heart(points_mm[:, rows, columns]).astype(np.float32)
        toward = (self.pose.axes @ normal).astype(np.float32)
        picks = np.asarray(taken.frames)
        total = np.zeros((2, len(picks), *local.shape[1:]), np.float32)
        steps = _steps(taken, SUB_PLANES if abs(toward[2]) > 0.9 else 1)
        for step in steps:
            water, fat = self._sheet(local + step * toward.reshape(3, 1, 1), picks, around[..., rows, columns])
            total[0] += water
            total[1] += fat
        return rows, columns, total / len(steps)

    def _box(self, points_mm: "Floats") -> "tuple[slice, slice]":
        """Rows and columns that the beating heart and its fat can reach."""
        heart = self.chambers.heart
        x, y, z = self.pose.to_heart(points_mm)
        reach = heart.radius_mm + heart.wall_mm.max() + self.chambers.right_depth_mm + 22.0
        near = (x**2 + y**2 < reach**2) & (z > -heart.length_mm) & (z < heart.apex_mm + 15.0)
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        if not len(rows):
            return slice(0, 1), slice(0, 1)
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def _sheet(self, local_mm: "Floats", picks: "NDArray[np.intp]", around: "Floats") -> "tuple[Floats, Floats]":
        """Water and fat of one thin sheet; `local_mm` in the heart's frame, as [3, row, column]."""
        look = _Lookup(self.chambers, local_mm, picks)
        signal = self.scanner
        grain = 1.0 + 0.06 * signal.grain_field.at(local_mm)
        water, fat = np.broadcast_to(around, (2, len(picks), *around.shape[2:]))
        in_fat, in_heart = look.inside("fat"), look.inside("whole")
        fat = (fat + in_fat * (signal.fat * grain - fat)) * (1.0 - in_heart)
        muscle = np.float32(signal.myocardium) * grain
        water = water * (1.0 - in_fat)
        water += in_heart * (muscle - water)
        blood = 1.0 + signal.flow * signal.flow_field.at(local_mm)
        water += look.inside("right") * (np.float32(signal.right_blood) * blood - water)
        water += look.inside("muscle") * (muscle - water)
        water += look.inside("blood") * (blood - water)
        for disc, is_blood in look.discs():
            water += disc * ((blood if is_blood else np.float32(signal.papillary)) - water)
        return water, fat

    def _field_of_view(self, rows: int, columns: int) -> "Floats":
        """Return what the reconstruction keeps: a circle, a barrel (gradient correction), or everything."""
        y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
        if self.scanner.view == "circle":
            return np.asarray(x**2 + y**2 < 0.99, np.float32)
        if self.scanner.view == "barrel":
            return np.asarray(np.abs(x) < 0.88 + 0.12 * y**2, np.float32)
        return np.ones((rows, columns), np.float32)


class _Lookup:
    """Finds each pixel's place in the polar tables once, then reads table after table for all frames."""

    def __init__(self, chambers: "Chambers", local_mm: "Floats", picks: "NDArray[np.intp]") -> None:
        x, y, z = local_mm
        flat = float(np.ptp(z)) < 1e-2
        self.z_mm = np.array([z.mean()]) if flat else np.arange(z.min(), z.max() + HEIGHT_STEP_MM, HEIGHT_STEP_MM)
        level = np.zeros(z.shape, np.intp) if flat else np.round((z - z.min()) / HEIGHT_STEP_MM).astype(np.intp)
        centre_x, centre_y = chambers.heart.centre_at(self.z_mm)
        self.x, self.y = x - centre_x[level].astype(np.float32), y - centre_y[level].astype(np.float32)
        self.level, self.picks = level, picks
        self.radius = np.hypot(self.x, self.y)
        section = chambers.section(self.z_mm)
        angles = section.tables["fat"].shape[2]
        turn = np.round(np.arctan2(self.y, self.x) * np.float32(angles / (2 * np.pi))).astype(np.intp) % angles
        self.index = level * angles + turn
        self.tables = {name: table[picks].reshape(len(picks), -1) for name, table in section.tables.items()}
        self.round_things = section.discs

    def inside(self, name: str) -> "Floats":
        """How far each pixel is covered by a surface, as [frame, row, column]."""
        return cover(np.take(self.tables[name], self.index, axis=1) - self.radius, EDGE_MM)

    def discs(self) -> "list[tuple[Floats, bool]]":
        """How far each pixel is covered by each round thing, and whether that is blood."""
        found = []
        for x, y, radius, is_blood in self.round_things:
            if not (radius[self.picks] > 0).any():
                continue
            at_x, at_y, size = (
                np.take(values[self.picks].astype(np.float32), self.level, axis=1) for values in (x, y, radius)
            )
            depth = size - np.hypot(self.x - at_x, self.y - at_y)
            found.append((cover(depth, EDGE_MM) * (size > 0), is_blood))
        return found


def _steps(taken: "Acquisition", sheets: int) -> list[np.float32]:
    """Offsets along the normal of the sheets that make up a slice."""
    return [np.float32(((i + 0.5) / sheets - 0.5) * taken.plane.thickness_mm) for i in range(sheets)]


def _add_noise(frames: "Floats", sigma: float, rng: np.random.Generator) -> None:
    """Make magnitudes of complex noise (Rician), each frame with its own patch of one pool."""
    rows, columns = frames.shape[1:]
    side = max(NOISE_SIDE, rows + 200, columns + 200)
    pool = rng.standard_normal((2, side, side), np.float32) * np.float32(sigma)
    for frame in frames:
        top, left, low, right = rng.integers(0, (side - rows, side - columns, side - rows, side - columns))
        frame += pool[0, top : top + rows, left : left + columns]
        np.hypot(frame, pool[1, low : low + rows, right : right + columns], out=frame)
