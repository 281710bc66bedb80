"""Images whose every value says where in the patient it was, and when: what comes out is known by its content.

Values are linear in space and time, so that linear interpolation keeps what they say, up to rounding.
"""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from studies import CENTRE, NORMAL, Shot, X, Y, dataset

from lvpipe.geometry import Floats, Plane
from lvpipe.images import Image

LPS = np.diag([-1.0, -1.0, 1.0])
OFFSET, STEEP, GENTLE = 10000, 100, 10
PER_HEIGHT_MM, PER_FRAME = 20, 64
BORDER_PX = 1
"""Interpolated values at a border are mixed with the nothing outside."""


def values(points_mm: Floats, frame: float) -> Floats:
    """The world at points in LPS mm: even frames are steep along u, odd ones along v, so that two tell both."""
    away = points_mm - CENTRE
    u, v, height = away @ X, away @ Y, -(away @ NORMAL)
    along, across = (u, v) if int(frame) % 2 == 0 else (v, u)
    return OFFSET + STEEP * along + GENTLE * across + PER_HEIGHT_MM * height + PER_FRAME * frame


def grid_points(plane: Plane) -> Floats:
    """The centres of a plane's pixels, in LPS mm."""
    rows, columns = np.indices(plane.shape_yx)
    return np.array(plane.origin_mm) + np.stack([columns, rows], -1) @ plane.steps_mm.T


def marked_view(plane: Plane, frame: float) -> NDArray[np.int16]:
    """What a scanner would see of this world."""
    return np.rint(values(grid_points(plane), frame)).astype(np.int16)


@lru_cache(maxsize=8192)
def _encoded(plane: Plane, frame: float, tags: tuple[tuple[str, Any], ...]) -> bytes:
    """A file of the world; most studies of a test have most of them in common."""
    stream, fields = BytesIO(), {name: list(value) if isinstance(value, tuple) else value for name, value in tags}
    dataset(plane, marked_view(plane, frame), **fields).save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def write_marked(root: Path, shots: list[Shot]) -> list[Path]:
    """The shots as a study in the Kaggle layout; their files in order."""
    written = []
    for shot in shots:
        for place, frame in enumerate(shot.frames):
            number = shot.first + place
            path = root / "study" / shot.run / f"IM-{shot.series:05d}-{number:04d}-{shot.version:04d}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            tags = {"InstanceNumber": shot.numbers[place] if shot.numbers else number, **shot.tags}
            if shot.timed:
                tags["TriggerTime"] = 50.0 * frame + 25
            path.write_bytes(_encoded(shot.plane, frame, tuple((name, _fixed(value)) for name, value in tags.items())))
            written.append(path)
    return written


@dataclass(frozen=True)
class Mark:
    """What an image was before anything was done to it."""

    height_mm: float
    frame: int


def cine_points(cine: Image, positions_mm: list[float], z: int) -> Floats:
    """Where a cine says that the pixels of a slice are, in LPS mm."""
    affine = cine.affine
    along = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    start = affine[:3, 3] + (positions_mm[z] - positions_mm[0]) * along
    y, x = np.indices(cine.array_tzyx.shape[2:])
    return (start + x[..., None] * affine[:3, 0] + y[..., None] * affine[:3, 1]) @ LPS


def told_points(even: tuple[Mark, Floats], odd: tuple[Mark, Floats]) -> Floats:
    """Where the content of an even and an odd frame of one slice says that it is from, in LPS mm."""
    a, b = (pixels - OFFSET - PER_HEIGHT_MM * mark.height_mm - PER_FRAME * mark.frame for mark, pixels in (even, odd))
    scale = STEEP**2 - GENTLE**2
    u, v = (STEEP * a - GENTLE * b) / scale, (STEEP * b - GENTLE * a) / scale
    return CENTRE + u[..., None] * X + v[..., None] * Y - even[0].height_mm * NORMAL


def inner(pixels_yx: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Pixels that have content all around them."""
    there = np.pad(pixels_yx != 0, BORDER_PX)
    rows, columns = pixels_yx.shape
    around = range(2 * BORDER_PX + 1)
    return np.all([there[dy : dy + rows, dx : dx + columns] for dy in around for dx in around], axis=0)
