"""Smooth randomness: fields that make outlines, tissues and layers uneven the way grown things are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Field:
    """A random smooth field in space: a few plane waves, mean 0 and standard deviation about 1."""

    waves_per_mm: "Floats"
    phases: "Floats"

    def at(self, points_mm: "Floats") -> "Floats":
        """Value at points given as [3, ...]."""
        turns = np.tensordot(self.waves_per_mm, points_mm, axes=1)
        turns += self.phases.reshape((-1,) + (1,) * (turns.ndim - 1))
        return np.asarray(np.sin(turns).sum(axis=0) * np.float32(np.sqrt(2.0 / len(self.phases))))


def draw_field(length_mm: float, rng: np.random.Generator, waves: int = 6) -> Field:
    """Draw a field whose bumps are about `length_mm` across."""
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rates = np.pi / length_mm * rng.uniform(0.4, 1.8, size=(waves, 1))
    return Field((directions * rates).astype(np.float32), rng.uniform(0, 2 * np.pi, waves).astype(np.float32))


def cover(depth_mm: "Floats", width_mm: float) -> "Floats":
    """How much of a pixel lies inside, given its depth under the surface: 0 outside, 1 inside, a ramp between."""
    return np.asarray(np.clip(depth_mm * np.float32(1.0 / width_mm) + np.float32(0.5), 0.0, 1.0))


def ring_noise(angles: int, orders: range, rng: np.random.Generator) -> "Floats":
    """A random periodic function over the circle, standard deviation about 1."""
    turn = np.arange(angles) * (2.0 * np.pi / angles)
    waves = [np.cos(order * turn + rng.uniform(0, 2 * np.pi)) for order in orders]
    return np.asarray(np.sum(waves, axis=0) * np.sqrt(2.0 / len(waves)))
