"""One synthetic case: who it is, what was acquired, what was planted in it, and the exact answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.labels import BACKGROUND, CAVITY, MYOCARDIUM
from lvpipe.phantom.body import draw_body
from lvpipe.phantom.chambers import draw_chambers
from lvpipe.phantom.distractors import draw_distractors
from lvpipe.phantom.heart import Heart, draw_heart
from lvpipe.phantom.irregularities import Planted, plant
from lvpipe.phantom.names import find_case
from lvpipe.phantom.population import Person, draw_person, make_generator
from lvpipe.phantom.scanner import Scene, draw_scanner
from lvpipe.phantom.stack import Acquisition, Plane, draw_pose, draw_stack, draw_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.cases import SourceCase
    from lvpipe.config.phantom import PhantomCohort, PhantomOrder

FINE = 5
"""Points per pixel side when a reference mask is decided by coverage."""

DRAWN_SHEETS = 8
"""Sheets of a slice that are asked whether they lie in the ventricle."""


@dataclass(frozen=True)
class PhantomCase:
    """Everything about one case but its pixels, which `image` makes."""

    source: "SourceCase"
    person: Person
    heart: Heart
    scene: Scene
    vendor: str
    acquisitions: tuple[Acquisition, ...]
    planted: tuple[Planted, ...]
    trigger_times: bool
    key: tuple[object, ...]

    @property
    def edv_ml(self) -> float:
        """Largest cavity volume of any frame, papillary muscles included, up to the mitral plane."""
        return float(self.heart.measured_ml.max())

    @property
    def esv_ml(self) -> float:
        """Smallest cavity volume of any frame."""
        return float(self.heart.measured_ml.min())

    @property
    def slices(self) -> tuple[Acquisition, ...]:
        """The regular short-axis slices, base to apex: what is left when every planted stray is put aside."""
        return tuple(taken for taken in self.acquisitions if taken.role == "slice")

    def image(self, taken: Acquisition) -> "NDArray[np.uint16]":
        """Make the pictures of one acquisition, as [frame, row, column] in the order of its files."""
        apart = () if taken.first_number == 1 else (taken.first_number,)
        return self.scene.image(taken, make_generator(*self.key, "image", taken.folder, *apart))

    def contour(self, taken: Acquisition, frame: int, outer: bool = False) -> "NDArray[np.float64]":
        """The cavity's (or the muscle's outer) outline as [point, (column, row)]; empty where nobody would draw.

        Pixel centres are at whole numbers. A slice is drawn where more than half of its thickness is in the ventricle.
        """
        if not self._is_drawn(taken, frame):
            return np.empty((0, 2))
        z_mm = self._heights(taken, np.zeros(1))
        surfaces = self.heart.surfaces(z_mm)
        radius = (surfaces.epi if outer else surfaces.endo)[frame, 0]
        turn = np.arange(len(radius)) * (2 * np.pi / len(radius))
        centre = [float(values[0]) for values in self.heart.centre_at(z_mm)]
        local = np.stack(
            [centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn), np.full(len(turn), z_mm[0])]
        )
        pose = self.scene.pose
        patient = pose.axes.T @ local + (pose.origin_mm + np.asarray(taken.shift_mm))[:, None]
        return np.asarray(taken.plane.to_pixels(patient).T)

    def reference_mask(self, taken: Acquisition, frame: int) -> "NDArray[np.uint8]":
        """Exact labels of one regular slice: a pixel belongs to what covers more than half of it."""
        labels = np.full((taken.plane.rows, taken.plane.columns), BACKGROUND, np.uint8)
        outer = self.contour(taken, frame, outer=True)
        if not len(outer):
            return labels
        low = np.maximum(np.floor(outer.min(axis=0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(outer.max(axis=0)).astype(int) + 2, labels.shape[::-1])
        window = taken.plane.window(int(low[1]), int(low[0]), int(high[1] - low[1]), int(high[0] - low[0]))
        labels[low[1] : high[1], low[0] : high[0]] = self._labels(taken, window, frame)
        return labels

    def box(self, taken: Acquisition) -> tuple[int, int, int, int] | None:
        """Smallest box (first row, first column, last row, last column; inclusive) of the muscle in all frames."""
        drawn = [self.contour(taken, frame, outer=True) for frame in range(len(self.heart.volumes_ml))]
        points = np.concatenate(drawn)
        if not len(points):
            return None
        low, high = np.round(points.min(axis=0)).astype(int), np.round(points.max(axis=0)).astype(int)
        return int(low[1]), int(low[0]), int(high[1]), int(high[0])

    def _labels(self, taken: Acquisition, window: Plane, frame: int) -> "NDArray[np.uint8]":
        """Labels of a part of a slice, from many points in each pixel."""
        fine = window.with_grid(window.rows * FINE, window.columns * FINE, window.pixel_mm / FINE)
        x, y, z = self.scene.pose.to_heart(fine.points() - np.asarray(taken.shift_mm, np.float32).reshape(3, 1, 1))
        z_mm = np.array([z.mean()])
        surfaces = self.heart.surfaces(z_mm)
        centre_x, centre_y = self.heart.centre_at(z_mm)
        radius, turn = np.hypot(x - centre_x, y - centre_y), np.arctan2(y - centre_y, x - centre_x)
        cavity, muscle = (
            _coverage(radius < _at_angle(table[frame, 0], turn)) > 0.5 for table in (surfaces.endo, surfaces.epi)
        )
        return np.where(cavity, CAVITY, np.where(muscle, MYOCARDIUM, BACKGROUND)).astype(np.uint8)

    def _is_drawn(self, taken: Acquisition, frame: int) -> bool:
        steps = ((np.arange(DRAWN_SHEETS) + 0.5) / DRAWN_SHEETS - 0.5) * taken.plane.thickness_mm
        depth = self.heart.surfaces(self._heights(taken, steps)).depth[frame]
        return bool(((depth > 0) & (depth < 1)).mean() > 0.5)

    def _heights(self, taken: Acquisition, steps_mm: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Heights in the heart of sheets at these offsets along the normal of a short-axis plane."""
        shifted = taken.plane.position_mm - np.asarray(taken.shift_mm)
        return np.asarray(self.scene.pose.to_heart(shifted[:, None])[2, 0] - steps_mm)


def build_case(cohort: str, case: str, order: "PhantomOrder") -> PhantomCase:
    """Draw one case; it depends on the seed, the cohort's name and settings, and the case's name alone."""
    key = (order.seed, cohort, case)
    settings = order.cohort
    person = draw_person(settings.populations, make_generator(*key, "person"))
    heart = _draw_heart(settings, person, key)
    rng = make_generator(*key, "scene")
    pose = draw_pose(rng)
    body = draw_body(settings.contrast, person.weight_kg, heart.apex_mm, rng)
    vendor = str(rng.choice(settings.vendors)) if settings.layout == "kaggle" else "GE"
    chambers = draw_chambers(heart, 1.0 - person.esv_ml / person.edv_ml, settings.trabeculae, rng)
    scanner = draw_scanner(settings.contrast, body.fat, vendor, rng)
    # From a stream of their own: cases without them are what they would be if there were no such thing.
    beside = draw_distractors(settings.distractors, heart, body, pose, make_generator(*key, "distractors"))
    scene = Scene(chambers, body, pose, scanner, beside)
    stack = draw_stack(settings, heart, pose, make_generator(*key, "stack"))
    views = draw_views(settings, heart, pose, stack) if settings.layout == "kaggle" else []
    kept, planted, timed = plant(stack, settings, heart, pose, make_generator(*key, "irregularities"))
    source = find_case(cohort, settings, case)
    return PhantomCase(source, person, heart, scene, vendor, (*kept, *views), planted, timed, key)


def find_heart(cohort: str, order: "PhantomOrder", case: str) -> Heart:
    """The left ventricle of a case, with its volume in each frame, without drawing anything else of it."""
    key = (order.seed, cohort, case)
    return _draw_heart(order.cohort, draw_person(order.cohort.populations, make_generator(*key, "person")), key)


def list_volumes(cohort: str, order: "PhantomOrder", case: str) -> tuple[float, float]:
    """EDV and ESV (mL) of a case."""
    return volumes_of(find_heart(cohort, order, case))


def volumes_of(heart: Heart) -> tuple[float, float]:
    """EDV and ESV (mL) of a heart."""
    return float(heart.measured_ml.max()), float(heart.measured_ml.min())


def _draw_heart(settings: "PhantomCohort", person: Person, key: tuple[object, ...]) -> Heart:
    rng = make_generator(*key, "heart")
    return draw_heart(person, int(rng.integers(settings.frames[0], settings.frames[1] + 1)), rng)


def _at_angle(radius: "NDArray[np.float64]", turn: "NDArray[np.floating]") -> "NDArray[np.float64]":
    """Interpolate a radius table at any angle."""
    grid = np.arange(len(radius) + 1) * (2 * np.pi / len(radius))
    return np.asarray(np.interp(np.mod(turn, 2 * np.pi), grid, np.append(radius, radius[0])))


def _coverage(inside: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    """Share of each pixel's fine points that lie inside."""
    rows, columns = inside.shape
    return np.asarray(inside.reshape(rows // FINE, FINE, columns // FINE, FINE).mean(axis=(1, 3)))
