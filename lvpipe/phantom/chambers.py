"""What beats with the left ventricle: right ventricle, atria, aortic root, papillary muscles, trabeculae, heart fat.

All in the polar form of heart.py, so that one look-up per pixel serves them all.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.phantom.heart import ANGLES, Heart, Surfaces
from lvpipe.phantom.texture import ring_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

ATRIAL_WALL_MM = 1.3
RIGHT_WALL_MM = 3.0
"""The right ventricle's free wall (Kawel-Boehm et al., J Cardiovasc Magn Reson 2015: 2 to 4 mm)."""


@dataclass(frozen=True)
class Papillary:
    """One papillary muscle: a rod in the cavity, with its angle, place between centre and wall, thickness, extent."""

    angle: float
    reach: float
    thick_mm: float
    start: float
    end: float


@dataclass(frozen=True)
class Section:
    """A cut through the heart: `tables` of radii (mm) as [frame, height, angle], and `discs` off the centre.

    A disc is x, y and radius (mm) by [frame, height], and whether it is blood.
    """

    tables: "dict[str, Floats]"
    discs: "list[tuple[Floats, Floats, Floats, bool]]"


@dataclass(frozen=True)
class Chambers:
    """One heart's surroundings."""

    heart: Heart
    right_angle: float
    right_span: float
    right_depth_mm: float
    right_ejection: float
    right_shape: float
    right_bumps: float
    right_end: float
    outflow: float
    atrium: float
    aorta_mm: float
    aorta_angle: float
    papillaries: tuple[Papillary, ...]
    twist: float
    rough: "Floats"
    roughness: tuple[float, float]
    fat_mm: float
    fat_shape: "Floats"

    def section(self, z_mm: "Floats") -> "Section":
        """Cut everything at these heights, in all frames."""
        left = self.heart.surfaces(z_mm)
        return Section(self._tables(left), self._discs(left))

    def _tables(self, left: Surfaces) -> "dict[str, Floats]":
        muscle = np.maximum(left.epi, self._atrium(left.depth) + ATRIAL_WALL_MM * (left.depth < 0)[..., None])
        right = self._right(left.depth, muscle)
        whole = np.maximum(muscle, (right + RIGHT_WALL_MM) * (right > 0))
        sac = _smoothed(whole)
        sac = np.maximum(whole, 0.85 * sac + 0.15 * sac.max(axis=0))
        tables = {
            "fat": (sac + self._fat(left.depth)) * (sac > 1.0),
            "whole": whole,
            "right": right,
            "muscle": muscle,
            "blood": self._blood(left) + self._atrium(left.depth),
        }
        return {name: table.astype(np.float32) for name, table in tables.items()}

    def _discs(self, left: Surfaces) -> "list[tuple[Floats, Floats, Floats, bool]]":
        depth, endo = left.depth, left.endo
        discs = [self._aorta(depth, wall, blood) for wall, blood in ((ATRIAL_WALL_MM, False), (0.0, True))]
        for papillary in self.papillaries:
            along = (depth - papillary.start) / (papillary.end - papillary.start)
            thick = papillary.thick_mm * np.sqrt(np.clip(4.0 * along * (1.0 - along), 0.0, 1.0))
            turn = papillary.angle + self.twist * self.heart.contracted[:, None] * depth
            index = np.mod(np.round(turn * ANGLES / (2 * np.pi)), ANGLES).astype(int)
            wall = np.take_along_axis(endo, index[..., None], axis=2)[..., 0]
            far = np.clip(np.minimum(papillary.reach * wall, wall - 0.4 * thick), 0.0, None)
            discs.append((far * np.cos(turn), far * np.sin(turn), thick * (wall > thick), False))
        return discs

    def _aorta(self, depth: "Floats", wall_mm: float, blood: bool) -> "tuple[Floats, Floats, Floats, bool]":
        far = 0.62 * self.heart.radius_mm + 0.5 * self.aorta_mm
        radius = (self.aorta_mm + wall_mm) * np.clip((0.02 - depth) * 25.0, 0.0, 1.0)
        drift = far * (1.0 - 0.35 * np.clip(-depth, 0.0, 1.0))
        return drift * np.cos(self.aorta_angle), drift * np.sin(self.aorta_angle), radius, blood

    def _atrium(self, depth: "Floats") -> "Floats":
        """Left atrium: round, widest a third of a ventricle above the mitral plane."""
        level = np.clip(1.0 - ((depth + 0.3) / 0.42) ** 2, 0.0, None)
        radius = self.atrium * self.heart.radius_mm * np.sqrt(level) * (depth < 0)
        return np.asarray(radius[..., None] * self.heart.outline)

    def _right(self, depth: "Floats", muscle: "Floats") -> "Floats":
        """Right ventricle, a crescent on the septum; above the base the right atrium and the outflow tract."""
        turn = np.angle(np.exp(1j * (np.arange(ANGLES) * (2 * np.pi / ANGLES) - self.right_angle)))
        taper = np.clip(1.0 - (np.clip(depth, 0.0, None) / self.right_end) ** 2, 0.0, None)[..., None]
        span = self.right_span * (0.62 + 0.38 * taper) * (1.0 + self.outflow * (turn > 0) * (taper > 0.9))
        bulge = np.clip(1.0 - np.abs(turn / span) ** self.right_shape, 0.0, None)
        bulge = bulge * (1.0 + self.right_bumps * self.rough[len(self.rough) // 2])
        squeeze = 1.0 - self.right_ejection * self.heart.contracted[:, None, None]
        ends = np.clip((depth + 0.95) / 0.3, 0.0, 1.0)[..., None]
        deep = self.right_depth_mm * taper**0.6 * squeeze * bulge * ends
        floor = np.maximum(muscle, 0.75 * self.heart.radius_mm * (depth < 0)[..., None])
        return np.asarray((floor + deep) * (deep > 1.0))

    def _blood(self, left: Surfaces) -> "Floats":
        """Where blood ends: short of the contour, between trabeculae, more so towards the apex and in systole."""
        base, apex = self.roughness
        depth = np.clip(left.depth, 0.0, 1.0)
        amount = (base + (apex - base) * depth) * (0.8 + 0.5 * self.heart.contracted[:, None])
        layers = len(self.rough) - 1
        rough = self.rough[np.round(depth * layers).astype(int)]
        return np.asarray(left.endo * (1.0 - amount[..., None] * rough))

    def _fat(self, depth: "Floats") -> "Floats":
        """Fat under the pericardium: in the grooves beside the septum and about the base."""
        level = 0.5 + 0.6 * np.clip(0.6 - depth, 0.0, 1.0)
        return np.asarray(self.fat_mm * level[..., None] * self.fat_shape)


def draw_chambers(heart: Heart, ejection: float, trabeculae: tuple[float, float], rng: np.random.Generator) -> Chambers:
    """Arrange the rest of the heart about its left ventricle; `trabeculae` is how far they reach in near the apex."""
    septal = np.pi + rng.normal(0.15, 0.2)
    angles = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    grooves = sum(np.exp(-0.5 * (np.angle(np.exp(1j * (angles - septal - side))) / 0.35) ** 2) for side in (-1.1, 1.1))
    rough = np.stack([_clumps(rng) for _ in range(12)])
    return Chambers(
        heart=heart,
        right_angle=septal,
        right_span=rng.uniform(1.15, 1.5),
        right_depth_mm=rng.uniform(24.0, 44.0),
        right_ejection=float(np.clip(0.6 * ejection + rng.normal(0, 0.06), 0.08, 0.42)),
        right_shape=rng.uniform(1.1, 2.2),
        right_bumps=rng.uniform(-0.12, 0.0),
        right_end=rng.uniform(0.72, 0.95),
        outflow=rng.uniform(0.1, 0.35),
        atrium=rng.uniform(0.7, 1.0),
        aorta_mm=rng.uniform(11.0, 16.0),
        aorta_angle=septal + rng.uniform(0.5, 0.9),
        papillaries=tuple(_papillaries(heart, rng)),
        twist=rng.uniform(0.0, 0.25),
        rough=rough,
        roughness=(rng.uniform(0.0, 0.05), rng.uniform(*trabeculae)),
        fat_mm=rng.uniform(0.8, 5.5),
        fat_shape=np.clip(0.25 + 1.1 * grooves + 0.35 * ring_noise(ANGLES, range(1, 6), rng), 0.05, 2.5),
    )


def _clumps(rng: np.random.Generator) -> "Floats":
    """How far trabeculae reach in at each angle, 0 to about 1.5: none over long stretches, then several together."""
    strands = np.clip(0.3 + ring_noise(ANGLES, range(6, 26), rng), 0.0, 1.5)
    return np.asarray(strands * np.clip(0.5 + ring_noise(ANGLES, range(1, 5), rng), 0.0, 1.2))


def _papillaries(heart: Heart, rng: np.random.Generator) -> list[Papillary]:
    """The anterolateral and the posteromedial muscle, each of one to three heads, free or against the wall."""
    muscles = []
    for angle in (-0.75, 1.75):
        place, reach, heads = angle + rng.normal(0, 0.25), rng.uniform(0.6, 1.0), int(rng.integers(1, 4))
        for _ in range(heads):
            thick = float(np.clip(rng.normal(0.22, 0.05), 0.1, 0.34)) * heart.radius_mm / heads**0.4
            turn, away = place + rng.normal(0, 0.2) * (heads > 1), reach + rng.normal(0, 0.06)
            muscles.append(Papillary(turn, away, thick, rng.uniform(0.18, 0.32), rng.uniform(0.7, 0.9)))
    return muscles


def _smoothed(radius: "Floats") -> "Floats":
    """Bridge the grooves between chambers, as the pericardium does."""
    kernel = np.zeros(ANGLES)
    kernel[np.arange(-22, 23)] = np.hanning(45)
    spectrum = np.fft.rfft(kernel / kernel.sum())
    return np.fft.irfft(np.fft.rfft(radius, axis=2) * spectrum, n=ANGLES, axis=2)
