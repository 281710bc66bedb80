"""Round bright things beside the heart that are none: a dome of spleen or stomach, a vessel across the stack.

They are what misleads a search for bright disks: round, as bright as blood, as large as a ventricle, some with a dark
rim like its wall. Vessels pulsate, far less than a ventricle does. Coordinates are the heart's.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.phantom.texture import cover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.phantom.body import Body
    from lvpipe.phantom.heart import Heart
    from lvpipe.phantom.stack import Pose

    Floats = NDArray[np.floating]

EDGE_MM = 1.5
"""Width of a painted edge, as the organs' have."""

BALL_MM, VESSEL_MM = (14.0, 36.0), (8.0, 16.0)
"""Radii: a ventricle's cavity has 15 to 40 mm, an aorta 8 to 16."""

VESSEL_SHARE = 0.3
RIM_SHARE = 0.35
"""Share of balls with a dark rim, such as a stomach's wall."""

RIM_MM = (5.0, 10.0)
PULSE = (0.03, 0.08)
"""Relative change of a vessel's radius over a cycle: 3 to 8 % in the descending aorta."""

GAP_MM = (2.0, 70.0)
"""Between the ventricle's outer border and the thing: from beside it to the far side of the chest."""

CHEST_WALL_MM = 25.0
ATTEMPTS = 40
"""Places that are tried for each; where none lies inside the body, the one that lies deepest is taken."""


@dataclass(frozen=True)
class Distractor:
    """A ball about a point, or a vessel along the heart's axis (`length_mm` endless): radius, rim, signals, pulse."""

    centre_mm: "Floats"
    radius_mm: float
    length_mm: float
    rim_mm: float
    water: float
    rim_water: float
    pulse: float

    def paint(self, water_fat: "Floats", local_mm: "Floats", contracted: "Floats") -> "Floats":
        """Cover water and fat `[2, 1 or frame, row, column]`; `local_mm` are the pixels in the heart's frame."""
        x, y, z = (local_mm[axis] - np.float32(self.centre_mm[axis]) for axis in range(3))
        shrunk = np.sqrt(np.clip(1.0 - (z / self.length_mm) ** 2, 0.0, None))
        beat = 1.0 + self.pulse * (contracted - contracted.mean())[:, None, None] if self.pulse else 1.0
        depth = np.float32(self.radius_mm) * shrunk * beat - np.hypot(x, y)
        there = np.float32(1.0) * (shrunk > 0)
        for signal, grown in ((self.rim_water, self.rim_mm), (self.water, 0.0)):
            inside = np.asarray(cover(depth + np.float32(grown), EDGE_MM) * there, np.float32)
            painted = np.array([signal, 0.0], np.float32).reshape(2, 1, 1, 1)
            water_fat = water_fat + inside * (painted - water_fat)
        return water_fat


def draw_distractors(
    number: tuple[int, int], heart: "Heart", body: "Body", pose: "Pose", rng: np.random.Generator
) -> tuple[Distractor, ...]:
    """Draw as many as the range says."""
    return tuple(_draw(heart, body, pose, rng) for _ in range(int(rng.integers(number[0], number[1] + 1))))


def _draw(heart: "Heart", body: "Body", pose: "Pose", rng: np.random.Generator) -> Distractor:
    vessel = bool(rng.random() < VESSEL_SHARE)
    radius = float(rng.uniform(*(VESSEL_MM if vessel else BALL_MM)))
    rim = float(rng.uniform(*RIM_MM)) if not vessel and rng.random() < RIM_SHARE else 0.0
    return Distractor(
        centre_mm=_place(heart, body, pose, radius + rim, rng),
        radius_mm=radius,
        length_mm=np.inf if vessel else radius * float(rng.uniform(0.9, 1.6)),
        rim_mm=rim,
        water=float(rng.uniform(0.8, 1.15)),
        rim_water=float(rng.uniform(0.1, 0.4)),
        pulse=float(rng.uniform(*PULSE)) if vessel else 0.0,
    )


def _place(heart: "Heart", body: "Body", pose: "Pose", radius_mm: float, rng: np.random.Generator) -> "Floats":
    """A place beside the heart and inside the chest, at some height of the ventricle."""
    found, deepest = np.zeros(3), -np.inf
    for _ in range(ATTEMPTS):
        turn, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.9) * heart.length_mm
        away = heart.radius_mm + float(heart.wall_mm.max()) + radius_mm + rng.uniform(*GAP_MM)
        place = np.array([away * np.cos(turn), away * np.sin(turn), height])
        depth = float(body.depth_mm(pose.axes.T @ place)) - radius_mm - CHEST_WALL_MM
        if depth > deepest:
            found, deepest = place, depth
        if depth > 0:
            break
    return found
