"""What lies around the heart and does not beat: chest wall, lungs, diaphragm, liver, stomach, spleen, vessels, spine.

Coordinates are the patient's (left, posterior, superior; mm) about the heart's mitral centre, so that an oblique slice
cuts the body where a real one would. Each organ covers what was painted before it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.phantom.texture import Field, cover, draw_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.config.phantom import Contrast

    Floats = NDArray[np.floating]

EDGE_MM = 1.5
"""Width of a painted edge: one pixel."""

RIB_STEP_MM = 27.0
"""Distance between neighbouring ribs along the body."""


SQUARENESS = 2.5
"""Exponent of the torso's outline: 2 is an ellipse; chests are flatter in front."""


LOOK_EVERY = 23
"""Stride, in points, of the first look whether an organ is in a plane; odd, so that it wanders over the rows."""

LOOK_MARGIN_MM = 20.0
"""Margin of that look: more than half the way between its points."""


@dataclass(frozen=True)
class Blob:
    """An ellipsoid organ: where, how big (semi-axes), how uneven, its water and fat signal."""

    centre_mm: "Floats"
    size_mm: "Floats"
    rough: float
    water: float
    fat: float
    texture: float = 0.0
    vessels: float = 0.0


@dataclass(frozen=True)
class Body:
    """One person's torso about the heart."""

    centre_mm: "Floats"
    half_width_mm: float
    half_depth_mm: float
    skin_fat_mm: float
    muscle_mm: float
    diaphragm_mm: float
    lung: float
    lung_vessels: float
    muscle: float
    fat: float
    blobs: tuple[Blob, ...]
    coils: tuple[tuple[float, float, float, float, float], ...]
    coarse: Field
    fine: Field

    def paint(self, points_mm: "Floats") -> "tuple[Floats, Floats]":
        """Return the water and the fat signal at points [3, ...] before the coil sees them."""
        bumps, grain = self.coarse.at(points_mm), self.fine.at(points_mm)
        water, fat = self._inside(points_mm, bumps, grain)
        for blob in self.blobs:
            if not _near(blob, points_mm):
                continue
            inside = cover(_depth_in(blob, points_mm, bumps + 0.2 * grain), EDGE_MM)
            signal = 1.0 + blob.texture * grain
            vessels = blob.vessels * np.clip(grain * np.abs(bumps) - 1.0, 0.0, 1.0)
            water = water + inside * (blob.water * signal + vessels - water)
            fat = fat + inside * (blob.fat * signal - fat)
        return self._wrapped(points_mm, water, fat, bumps, grain)

    def coil(self, points_mm: "Floats") -> "Floats":
        """Sensitivity of the coils: bright under each element, about 1 at the heart."""
        gain = np.ones(points_mm.shape[1:], np.float32)
        for x, y, z, strength, reach_mm in self.coils:
            away = (points_mm[0] - x) ** 2 + (points_mm[1] - y) ** 2 + (points_mm[2] - z) ** 2
            gain += np.float32(strength) / (1.0 + away / np.float32(reach_mm**2)) ** 1.5
        return gain

    def _inside(self, points_mm: "Floats", bumps: "Floats", grain: "Floats") -> "tuple[Floats, Floats]":
        """Lung with its vessels above the diaphragm, fat with its septa below."""
        x, y, z = points_mm
        domes = 22.0 * np.exp(-((x + 85.0) ** 2 + y**2) / 6000.0) + 14.0 * np.exp(-((x - 75.0) ** 2 + y**2) / 5000.0)
        below = cover(self.diaphragm_mm + domes - 0.0016 * (y - 10.0) ** 2 + 3.0 * bumps - z, EDGE_MM)
        vessels = np.clip(grain * np.abs(bumps) - 1.1, 0.0, 1.0) * self.lung_vessels
        lung = self.lung + vessels
        return lung * (1.0 - below), below * self.fat * (0.85 + 0.07 * grain + 0.08 * bumps)

    def _wrapped(
        self, points_mm: "Floats", water: "Floats", fat: "Floats", bumps: "Floats", grain: "Floats"
    ) -> "tuple[Floats, Floats]":
        """Chest wall from inside to outside: muscle with ribs, fat, skin, and nothing beyond."""
        depth = self.depth_mm(points_mm) + 2.0 * bumps
        muscle = cover(self.skin_fat_mm + self.muscle_mm * (1.0 + 0.3 * bumps) + 1.5 * grain - depth, EDGE_MM)
        rib = self._ribs(points_mm, depth, bumps)
        water = water + muscle * (self.muscle * (1.0 + 0.15 * grain) * (1.0 - rib) - water)
        fat = fat + muscle * (0.35 * self.fat * rib - fat)
        layer = cover(self.skin_fat_mm * (1.0 + 0.45 * bumps) - depth, EDGE_MM)
        water, fat = water * (1.0 - layer), fat + layer * (self.fat * (1.0 + 0.06 * grain) - fat)
        skin = cover(2.0 - depth, EDGE_MM)
        water, fat = water + skin * (0.5 - water), fat * (1.0 - skin)
        body = cover(depth, EDGE_MM)
        return water * body, fat * body

    def depth_mm(self, points_mm: "Floats") -> "Floats":
        """Distance under the skin of an elliptic torso."""
        x = np.abs(points_mm[0] - self.centre_mm[0]) / self.half_width_mm
        y = np.abs(points_mm[1] - self.centre_mm[1]) / self.half_depth_mm
        level = (x**SQUARENESS + y**SQUARENESS) ** (1.0 / SQUARENESS) + 1e-6
        slope_x = (x / level) ** (SQUARENESS - 1.0) / self.half_width_mm
        slope = np.hypot(slope_x, (y / level) ** (SQUARENESS - 1.0) / self.half_depth_mm) + 1e-6
        return np.asarray((1.0 - level) / slope)

    def _ribs(self, points_mm: "Floats", depth: "Floats", bumps: "Floats") -> "Floats":
        along = points_mm[2] - 0.35 * points_mm[1] + 0.2 * np.abs(points_mm[0] - self.centre_mm[0])
        off = (np.mod(along, RIB_STEP_MM) - RIB_STEP_MM / 2) / 5.5
        deep = (depth - self.skin_fat_mm - 0.6 * self.muscle_mm) / 4.0
        return cover((0.9 + 0.35 * bumps - np.sqrt(off**2 + deep**2)) * 4.5, EDGE_MM)


def draw_body(contrast: "Contrast", weight_kg: float, reach_mm: float, rng: np.random.Generator) -> Body:
    """Draw a torso: heavier persons have more fat; `reach_mm` is how far the heart reaches from its mitral centre."""
    stout = float(np.clip((weight_kg - 75.0) / 40.0, -0.8, 1.0))
    fat = float(rng.uniform(*contrast.fat))
    half_depth = 122.0 + 22.0 * stout + rng.normal(0, 5)
    centre = np.array(
        [-25.0 + rng.normal(0, 8), half_depth - 0.62 * reach_mm - 33.0 - 8.0 * stout + rng.normal(0, 7), 0.0]
    )
    half_width = 178.0 + 22.0 * stout + rng.normal(0, 6)
    floor = -0.3 * reach_mm - rng.uniform(14, 30)
    return Body(
        centre_mm=centre,
        half_width_mm=half_width,
        half_depth_mm=half_depth,
        skin_fat_mm=float(max(4.0, 15.0 + 10.0 * stout + rng.normal(0, 5))),
        muscle_mm=float(rng.uniform(9, 18)),
        diaphragm_mm=floor,
        lung=float(rng.uniform(*contrast.lung)),
        lung_vessels=float(rng.uniform(0.3, 1.0)),
        muscle=float(rng.uniform(0.15, 0.4)),
        fat=fat,
        blobs=tuple(_organs(contrast, fat, floor, centre, half_depth, rng)),
        coils=_coils(contrast, centre, half_width, half_depth, rng),
        coarse=draw_field(45.0, rng),
        fine=draw_field(8.0, rng, waves=16),
    )


def _organs(
    contrast: "Contrast", fat: float, floor: float, centre: "Floats", half_depth: float, rng: np.random.Generator
) -> list[Blob]:
    """Arrange the organs about a diaphragm at height `floor`."""
    back = centre[1] + half_depth

    def organ(
        place: tuple[float, float, float], size: tuple[float, float, float], rough: float = 4.0, **tissue: float
    ) -> Blob:
        signal = {"water": float(rng.uniform(*contrast.organs)), "fat": 0.0, "texture": 0.05, **tissue}
        return Blob(np.array(place) + rng.normal(0, 6, 3), np.array(size) * rng.uniform(0.85, 1.2, 3), rough, **signal)

    liver = {"water": float(rng.uniform(*contrast.organs)), "vessels": float(rng.uniform(0.0, 0.5))}
    marrow = {"water": 0.25, "fat": 0.45 * fat, "texture": 0.2}
    organs = [
        organ((centre[0], back - 42, 0), (22, 20, 900), 2, **marrow),
        organ((-25, centre[1] - 55, 25), (58, 42, 70), 6, water=0.0, fat=0.8 * fat, texture=0.1),
        organ((-30, centre[1] + 25, 40), (35, 45, 60), 5, water=0.3, fat=0.3 * fat, texture=0.3),
    ]
    organs += _bowel(contrast, floor, centre, back, rng)
    organs += [
        organ((-80, centre[1] + 10, floor - 72), (95, 80, 78), 4, **liver),
        organ((0, centre[1] - 35, floor - 36), (rng.uniform(30, 80), 40, rng.uniform(14, 34)), 4, **liver),
        organ(
            (50, centre[1] + 15, floor - 42), (36, 36, 32), 6, water=float(rng.choice([0.05, 0.35, 0.8])), texture=0.25
        ),
        organ((100, back - 75, floor - 35), (28, 45, 42), 3),
        organ((62, back - 75, floor - 95), (26, 24, 50), 2),
        organ((centre[0] + 28, back - 65, 0), (12.5, 12.5, 900), 1, water=float(rng.uniform(0.8, 1.1)), texture=0.03),
        organ((centre[0] + 5, back - 100, 40), (24, 18, 60), 4, water=0.3, fat=0.3 * fat, texture=0.2),
    ]
    return organs + [organ((centre[0] + side, back - 60, 45), (9, 9, 30), 2, water=0.9) for side in (-55.0, 45.0)]


def _bowel(contrast: "Contrast", floor: float, centre: "Floats", back: float, rng: np.random.Generator) -> list[Blob]:
    """Loops of bowel in the fat under the diaphragm: a wall, and fluid, stool or gas within."""
    loops = []
    for _ in range(int(rng.integers(10, 22))):
        place = np.array([rng.uniform(-60, 130), rng.uniform(centre[1] - 70, back - 60), floor - rng.uniform(25, 140)])
        size = rng.uniform(8, 24, 3)
        content = float(rng.choice([0.03, rng.uniform(*contrast.organs), 0.9], p=[0.3, 0.55, 0.15]))
        loops.append(Blob(place, size, 5.0, float(rng.uniform(*contrast.organs)), 0.0, 0.1))
        loops.append(Blob(place, size - 4.0, 5.0, content, 0.0, 0.3))
    return loops


def _coils(
    contrast: "Contrast", centre: "Floats", half_width: float, half_depth: float, rng: np.random.Generator
) -> tuple[tuple[float, float, float, float, float], ...]:
    """Two to four elements in front and at the left, one or two weaker ones at the back."""
    strength = float(rng.uniform(*contrast.coil))
    turns = [*rng.uniform(-2.3, -0.4, int(rng.integers(2, 5))), *rng.uniform(0.6, 2.4, int(rng.integers(1, 3)))]
    return tuple(
        (
            float(centre[0] + np.cos(turn) * half_width * 1.03),
            float(centre[1] + np.sin(turn) * half_depth * 1.03),
            float(rng.uniform(-70, 40)),
            strength * float(rng.uniform(0.5, 1.5)) * (1.0 if turn < 0 else 0.5),
            float(rng.uniform(32, 65)),
        )
        for turn in turns
    )


def _near(blob: Blob, points_mm: "Floats") -> bool:
    """Whether a blob may touch these points: most organs miss most slices, and a few of the points tell."""
    few = points_mm.reshape(3, -1)[:, ::LOOK_EVERY]
    scaled = (few - blob.centre_mm[:, None].astype(np.float32)) / blob.size_mm[:, None].astype(np.float32)
    reach = 1.0 + (4.0 * blob.rough + LOOK_MARGIN_MM) / blob.size_mm.min()
    return bool((scaled**2).sum(axis=0).min() < reach**2)


def _depth_in(blob: Blob, points_mm: "Floats", bumps: "Floats") -> "Floats":
    """Return the approximate distance under the surface of an uneven ellipsoid."""
    scaled = [(points_mm[axis] - blob.centre_mm[axis]) / blob.size_mm[axis] for axis in range(3)]
    level = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
    return np.asarray((1.0 - level) * blob.size_mm.min() + blob.rough * bumps)
