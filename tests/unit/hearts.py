"""Pictures of chests for tests of detection: what beats, what does not, and what beats more than the ventricle."""

import numpy as np

from lvpipe.detection.finding import Scene


def heart(centre=(70, 90), radius=20.0, shape=(140, 160), frames=8, pixel_mm=1.0) -> np.ndarray:
    """A beating bright disk in a dark ring on grey; beside it a crescent that moves more and has no ring."""
    y, x = np.indices(shape) * pixel_mm
    row, column = np.array(centre) * pixel_mm
    cine = np.full((frames, *shape), 90.0)
    for t in range(frames):
        beat = np.cos(2 * np.pi * t / frames)
        distance = np.hypot(y - row, x - column)
        cine[t][distance < radius + 10] = 30
        cine[t][distance < radius - 3 + 3 * beat] = 200
        beside = (distance >= radius + 10) & (x < column - np.abs(y - row))
        cine[t][beside & (distance < radius + 26 + 9 * beat)] = 200
    return cine + np.random.default_rng(0).normal(0, 3, cine.shape)


def chest(centres, frames=12, shape=(160, 180), noise=2.0) -> np.ndarray:
    """A disk that beats at each slice's centre, beside a brighter and larger one that does not."""
    y, x = np.indices(shape)
    random = np.random.default_rng(0)
    cine = np.zeros((frames, len(centres), *shape))
    for t in range(frames):
        radius = 24 - 8 * (1 - np.cos(2 * np.pi * t / frames)) / 2
        for z, (row, column) in enumerate(centres):
            cine[t, z] = 50 * (np.hypot(y - row, x - column) < radius) + 10
            cine[t, z] += 190 * (np.hypot(y - 120, x - 40) < 30)
    return as_bytes(cine + random.normal(0, noise, cine.shape))


def as_bytes(cine: np.ndarray) -> np.ndarray:
    """As a view stores it."""
    return np.clip(np.rint(cine), 0, 255).astype(np.uint8)


def scene(cine_tzyx: np.ndarray, pixel_mm: float = 1.0, **rest) -> Scene:
    """A case that a method is asked about."""
    return Scene(as_bytes(np.asarray(cine_tzyx)), pixel_mm, **rest)


def nothing_to_find() -> dict[str, Scene]:
    """Scenes without a heart, or with too little of one: every method says so, and why."""
    random = np.random.default_rng(0)
    beating = chest([(60, 110)] * 3)
    return {
        "constant": scene(np.full((12, 3, 80, 90), 7)),
        "constant over time": scene(np.repeat(beating[:1], 12, axis=0)),
        "noise": scene(random.integers(0, 256, (12, 3, 80, 90))),
        "one frame": scene(beating[:1]),
        "two frames": scene(beating[[0, 6]]),
        "one pixel": scene(random.integers(0, 256, (12, 3, 1, 1))),
        "a few pixels": scene(random.integers(0, 256, (12, 3, 3, 5))),
    }
