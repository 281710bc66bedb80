"""The beating heart: surfaces in polar form around a centre line, so that volumes, contours and pixels agree.

Coordinates (mm): x lateral (away from the septum), y inferior, z from the base to the apex, zero at the mitral plane
in ED. A surface is a radius for each angle (0 lateral, 90 degrees inferior, 180 septal), height z and frame. Angles
turn around the centre line, which does not move with time; the mitral plane does, and the wall's volume never changes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.phantom.population import MUSCLE_MG_PER_MM3, Person, contraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

ANGLES = 360
"""Angles at which surfaces are tabulated: 1 degree is 0.6 mm on the largest cavity."""

HEIGHTS = 200
"""Heights at which volumes are integrated; twice as many change them by less than 0.01 %."""

BASE_SHARE = 0.9
"""Share of long-axis shortening done by the base; the apex hardly moves (Rademakers, Circulation 1992)."""


@dataclass(frozen=True)
class Surfaces:
    """Radii (mm) as [frame, height, angle], and how deep in the ventricle [frame, height] lies (0 base, 1 apex)."""

    depth: "Floats"
    endo: "Floats"
    epi: "Floats"


@dataclass(frozen=True)
class Heart:
    """One person's left ventricle; everything else in the picture is arranged around it."""

    volumes_ml: "Floats"
    contracted: "Floats"
    length_mm: float
    shortening: float
    roundness: float
    widest: float
    outline: "Floats"
    wall_mm: "Floats"
    scar: tuple[float, float, float, float]
    sway: "Floats"
    centre_mm: tuple[float, float, float, float]

    @property
    def lengths_mm(self) -> "Floats":
        """Length of the cavity in each frame."""
        return self.length_mm * (1.0 - self.shortening * self.contracted)

    @property
    def bases_mm(self) -> "Floats":
        """Height of the mitral plane in each frame."""
        return BASE_SHARE * (self.length_mm - self.lengths_mm)

    @property
    def apex_mm(self) -> float:
        """Height of the outer apex in ED."""
        return self.length_mm * self._outer_depth

    @property
    def radius_mm(self) -> float:
        """Largest radius of the cavity in ED."""
        return self._motion[0]

    def centre_at(self, z_mm: "Floats") -> "tuple[Floats, Floats]":
        """Where the centre line crosses each height: a tilted, slightly bent line."""
        along = z_mm / self.length_mm - 0.4
        tilt_x, tilt_y, bend_x, bend_y = self.centre_mm
        return tilt_x * along + bend_x * along**2, tilt_y * along + bend_y * along**2

    def surfaces(self, z_mm: "Floats") -> Surfaces:
        """Tabulate the cavity's and the muscle's outer surface at these heights."""
        depth = (z_mm[None, :] - self.bases_mm[:, None]) / self.lengths_mm[:, None]
        endo = self._endo(depth)
        inside = (depth >= 0) & (depth <= self._outer_depth)
        stretch = self.length_mm / self.lengths_mm[:, None, None]
        epi = np.sqrt(endo**2 + self._wall_area(depth) * stretch) * inside[:, :, None]
        return Surfaces(depth, endo, epi)

    @cached_property
    def measured_ml(self) -> "Floats":
        """Cavity volume below the mitral plane in each frame, from the surface itself."""
        depth = (np.arange(HEIGHTS) + 0.5) / HEIGHTS
        area_mm2 = (self._endo(np.tile(depth, (len(self.contracted), 1))) ** 2).mean(axis=2) * np.pi
        return np.asarray(area_mm2.mean(axis=1) * self.lengths_mm / 1000.0)

    @property
    def mass_g(self) -> float:
        """Mass of the muscle: the same in every frame."""
        depth = (np.arange(HEIGHTS) + 0.5) / HEIGHTS * self._outer_depth
        area_mm2 = self._wall_area(depth[None, :]).mean(axis=2).mean() * np.pi
        return float(area_mm2 * self.length_mm * self._outer_depth * MUSCLE_MG_PER_MM3 / 1000.0)

    @property
    def ed_frame(self) -> int:
        """Frame of the largest volume."""
        return int(np.argmax(self.measured_ml))

    @property
    def es_frame(self) -> int:
        """Frame of the smallest volume."""
        return int(np.argmin(self.measured_ml))

    @property
    def _outer_depth(self) -> float:
        return 1.0 + 0.8 * float(self.wall_mm.mean()) / self.length_mm

    @property
    def _angles(self) -> "Floats":
        return np.arange(ANGLES) * (2.0 * np.pi / ANGLES)

    def _profile(self, depth: "Floats") -> "Floats":
        """Radius over depth as a fraction of the largest: widest below the base, closed at the apex."""
        offset = np.abs((depth - self.widest) / (1.0 - self.widest))
        return np.asarray(np.sqrt(np.clip(1.0 - offset**self.roundness, 0.0, None)))

    def _contractility(self, depth: "Floats") -> "Floats":
        """How much each wall point takes part, as [frame, height, angle]: less in a scar, and less near the base."""
        angle, at, width, loss = self.scar
        turn = np.angle(np.exp(1j * (self._angles - angle)))
        reach = np.exp(-0.5 * ((depth[..., None] - at) / 0.25) ** 2 - 0.5 * (turn / width) ** 2)
        return np.asarray((0.9 + 0.2 * np.clip(depth, 0.0, 1.0)[..., None]) * (1.0 - loss * reach))

    def _shapes(self, depth: "Floats") -> "tuple[Floats, Floats]":
        """Radii of a cavity of radius 1: relaxed and swaying, and what full contraction takes away."""
        profile = (self._profile(depth) * (depth <= 1.0) * (depth >= 0.0))[..., None]
        away = np.exp(-1j * self._angles)
        swaying = (self.sway[:, None, None] * away).real
        return profile * (self.outline + swaying), profile * self.outline * self._contractility(depth)

    @cached_property
    def _motion(self) -> "tuple[float, Floats]":
        """The radius and the contraction of each frame that give the wanted volumes: roots of a quadratic."""
        depth = (np.arange(HEIGHTS) + 0.5) / HEIGHTS
        relaxed, taken = self._shapes(np.tile(depth, (len(self.contracted), 1)))
        squares = [np.pi * (a * b).mean(axis=(1, 2)) for a, b in ((relaxed, relaxed), (relaxed, taken), (taken, taken))]
        full = int(np.argmax(self.volumes_ml))
        radius = np.sqrt(self.volumes_ml[full] * 1000.0 / (self.lengths_mm[full] * squares[0][full]))
        wanted = self.volumes_ml * 1000.0 / (self.lengths_mm * radius**2)
        inner = np.clip(squares[1] ** 2 - squares[2] * (squares[0] - wanted), 0.0, None)
        return float(radius), (squares[1] - np.sqrt(inner)) / squares[2]

    def _endo(self, depth: "Floats") -> "Floats":
        radius, amount = self._motion
        relaxed, taken = self._shapes(depth)
        return np.asarray(radius * np.clip(relaxed - amount[:, None, None] * taken, 0.0, None))

    def _wall_area(self, depth: "Floats") -> "Floats":
        """Squared outer minus squared inner radius in ED: what a sector of muscle keeps, whatever it does."""
        inner = self.radius_mm * self._profile(depth) * (depth <= 1.0)
        outer = (self.radius_mm + self.wall_mm) * self._profile(depth / self._outer_depth)[..., None]
        thickness = np.clip(outer - inner[..., None] * self.outline, 2.5, None)
        area = thickness * (thickness + 2.0 * inner[..., None] * self.outline)
        return np.asarray(area * (self._profile(depth / self._outer_depth) > 0)[..., None])


def draw_heart(person: Person, frames: int, rng: np.random.Generator) -> Heart:
    """Shape a heart for this person, with `frames` moments of its cycle."""
    angles = np.arange(ANGLES) * (2.0 * np.pi / ANGLES)
    phases = (np.arange(frames) + 0.5) / frames + rng.uniform(-0.05, 0.04)
    systole = float(np.clip(0.34 * person.heart_rate_bpm / 65.0 + rng.normal(0, 0.02), 0.28, 0.48))
    contracted = contraction(phases, systole, float(rng.uniform(0.12, 0.35)))
    ejection = 1.0 - person.esv_ml / person.edv_ml
    lost = float(rng.uniform(0.7, 0.98)) if person.population == "infarct" else 0.0
    return Heart(
        volumes_ml=person.edv_ml - (person.edv_ml - person.esv_ml) * contracted,
        contracted=contracted,
        length_mm=_length_mm(person, rng),
        shortening=float(np.clip(ejection * rng.uniform(0.2, 0.28), 0.02, 0.2)),
        roundness=float(rng.uniform(1.9, 2.5)),
        widest=float(rng.uniform(0.18, 0.35)),
        outline=1.0 + _harmonics(angles, {2: 0.045, 3: 0.02, 4: 0.01}, rng),
        wall_mm=_wall_mm(person, angles, rng),
        scar=(
            float(rng.choice([-2.3, 1.4, 0.2])) + rng.normal(0, 0.3),
            rng.uniform(0.4, 0.9),
            rng.uniform(0.5, 0.9),
            lost,
        ),
        sway=contracted * ejection * rng.uniform(0.0, 0.12) * np.exp(1j * rng.normal(0.0, 0.8)),
        centre_mm=tuple(float(v) for v in rng.normal(0, (9.0, 9.0, 4.0, 4.0))),  # type: ignore[arg-type]
    )


def _length_mm(person: Person, rng: np.random.Generator) -> float:
    """A cavity of 150 mL is about 88 mm long; a dilated heart grows more round than long."""
    return float(88.0 * (person.edv_ml / 150.0) ** 0.29 * rng.uniform(0.92, 1.08))


def _harmonics(angles: "Floats", sizes: dict[int, float], rng: np.random.Generator) -> "Floats":
    waves = [
        rng.normal(0, size) * np.cos(order * (angles - rng.uniform(0, 2 * np.pi))) for order, size in sizes.items()
    ]
    return np.asarray(np.sum(waves, axis=0))


def _wall_mm(person: Person, angles: "Floats", rng: np.random.Generator) -> "Floats":
    """A slightly thicker septum in all; in half of the hypertrophic, a far thicker one."""
    asymmetric = person.population == "hypertrophic" and rng.random() < 0.5
    excess = rng.uniform(0.25, 0.5) if asymmetric else rng.uniform(0.0, 0.12)
    septal = np.clip(np.cos(angles - np.pi - rng.normal(0, 0.3)), 0.0, None)
    return np.asarray(person.wall_mm * (1.0 + excess * septal + _harmonics(angles, {2: 0.04, 3: 0.03}, rng)))
