"""Drawn hearts to learn from without reading a file: rings, and slices of phantoms."""

import re

import numpy as np

from lvpipe.config.phantom import PhantomCohort, PhantomOrder
from lvpipe.detection.lessons import Lesson
from lvpipe.phantom.case import build_case
from lvpipe.squares import reference_squares

QUICK = {
    "positives": 200,
    "negatives_per_positive": 3,
    "features": 150,
    "overall_false_alarm": 5e-3,
    "images": 150,
    "stages": 8,
}


def ring(side_px=96, middle=(48.0, 48.0), radius=20.0, seed=0):
    """A bright disk in a dark ring, smaller bright disks about it, and noise."""
    dice = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side_px, :side_px]
    image = np.full((side_px, side_px), 120.0)
    for row, column, other in dice.uniform((0, 0, 4), (side_px, side_px, 9), (6, 3)):
        image[np.hypot(rows - row, columns - column) < other] = 230
    away = np.hypot(rows - middle[0], columns - middle[1])
    image[away < radius] = 40
    image[away < 0.65 * radius] = 220
    return np.clip(image + dice.normal(0, 8, image.shape), 0, 255).astype(np.uint8)


def ring_lesson(seed, side_px=96):
    dice = np.random.default_rng(1000 + seed)
    radius = dice.uniform(14, 22)
    middle = dice.uniform(radius + 6, side_px - radius - 7, 2)
    frames = np.stack([ring(side_px, middle, radius, seed)[None], ring(side_px, middle, 0.9 * radius, seed)[None]])
    return Lesson(f"r{seed}", 2.0, frames, frames[[0, 0, 0, 1, 1, 1]], np.array([[*middle, 2.4 * radius]]))


def windows(shape_yx, window_px):
    """Row and column of every window's first pixel."""
    rows, columns = (np.arange(n - window_px + 1) for n in shape_yx)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def phantom_lesson(name):
    """Three slices in the middle of a phantom, at its first and its fourth of eight frames, on its own pixels."""
    cohort = PhantomCohort(
        layout="kaggle", cases={"train": 14}, matrix=(112, 112), frames=(8, 8), irregularities=_REGULAR
    )
    case = build_case("k", name, PhantomOrder(seed=1, cohort=cohort))
    middle = len(case.slices) // 2
    taken = case.slices[middle - 2 : middle + 1]
    cine = np.stack([_stretched(case.image(one)[[0, 3]]) for one in taken], axis=1)
    labels = np.stack([[case.reference_mask(one, frame) for one in taken] for frame in (0, 3)])
    pixel_mm = taken[0].plane.pixel_mm
    return Lesson(name, pixel_mm, cine, cine[[0, 0, 0, 1, 1, 1]], reference_squares(labels, pixel_mm, 1.2))


def _stretched(frames_tyx):
    low, high = np.percentile(frames_tyx, (0.5, 99.5))
    return np.rint(np.clip((frames_tyx - low) / (high - low), 0, 1) * 255).astype(np.uint8)


_REGULAR = dict.fromkeys(
    re.findall(r"\w+", "duplicate_position rotated other_matrix other_spacing in_between other_orientation "
    "missing_frames out_of_order absent_trigger_times"), 0.0,
)  # fmt: skip
