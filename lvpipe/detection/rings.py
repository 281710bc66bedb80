"""Where a bright disk lies in a dark ring and moves: what a left ventricle looks like in any short-axis slice.

What moves most is often the right ventricle. The left one is told from it by its wall: dark, of even thickness, all
around. Every place is scored by the contrast of a disk of blood against a ring of muscle, over their unevenness,
times the root of the motion inside.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RADII_MM = (16.0, 21.0, 27.0, 34.0)
"""Cavity radii from a small heart at end-systole to a dilated one; areas grow by about 1.6 from one to the next."""

_GAP_MM = 2.0
"""Between disk and ring: the border itself is blurred by motion."""

_WALL_MM = 7.0
"""Thickness of the ring: a normal wall is 6 to 11 mm thick."""

_BLUR_MM = 4.0
"""Smoothing of the score over places, so that one lucky pixel does not win."""

_GREY = 5.0
"""Grey levels of 0..255 that are noise: added to unevenness and brightness, so that no flat or dark spot is perfect."""

_CANDIDATES = 6
_APART_MM = 10.0
"""Peaks closer than this are one."""

_DIRECTIONS = 36
_LEAST_DARK = 0.2
_FARTHEST_MM = 48.0
"""Beyond the outer border of the largest ring."""


def ring_score(frames_tyx: NDArray[Any], pixel_mm: float) -> Floats:
    """How much every place of a slice looks like the middle of a left ventricle; 0 where not at all."""
    return np.asarray(ring_scores(frames_tyx, pixel_mm).max(axis=0))


def ring_scores(frames_tyx: NDArray[Any], pixel_mm: float) -> Floats:
    """The same for each of `RADII_MM`, as `(radius, row, column)`."""
    frames = frames_tyx.astype(np.float32)
    mean = frames.mean(axis=0)
    delta = np.abs(frames - mean).mean(axis=0)
    kernels = _kernels(mean.shape, pixel_mm)
    average = _Averages(kernels.shape_yx, mean, mean**2, delta)
    return np.asarray([_one_radius(average, disk, ring) for disk, ring in kernels.rings])


def best_places(score_yx: Floats, near_yx: tuple[float, float], reach_mm: float, pixel_mm: float) -> NDArray[np.int_]:
    """The places with the highest scores within reach of another one, best first; none where nothing scores."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    rows, columns = (
        np.abs(np.arange(n) - centre) * pixel_mm for n, centre in zip(score_yx.shape, near_yx, strict=True)
    )
    within = (rows[:, None] <= reach_mm) & (columns[None] <= reach_mm)
    smoothed = np.where(within, gaussian_filter(score_yx, _BLUR_MM / pixel_mm), 0)
    apart = 2 * round(_APART_MM / pixel_mm) + 1
    peaks = np.argwhere((smoothed == maximum_filter(smoothed, apart)) & (smoothed > 0))
    return peaks[np.argsort(-smoothed[tuple(peaks.T)], kind="stable")][:_CANDIDATES]


def wall_contrast(mean_yx: Floats, place_yx: NDArray[Any], pixel_mm: float) -> float:
    """How much darker than the blood the wall is all around a place, 0..1; the best of the radii.

    A ring's mean may be dark because half of it is: the right ventricle's is, where the septum is. So every direction
    is judged by itself, and the fifth that is least dark decides.
    """
    from scipy.ndimage import map_coordinates

    angles, radii = np.linspace(0, 2 * np.pi, _DIRECTIONS, endpoint=False)[:, None], np.arange(1.0, _FARTHEST_MM)
    y, x = (place_yx[axis] + turn(angles) * radii / pixel_mm for axis, turn in ((0, np.sin), (1, np.cos)))
    polar = map_coordinates(mean_yx, (y, x), order=1, mode="constant")
    return max(0.0, *(_contrast(polar, radii, radius) for radius in RADII_MM))


def strongest_place(
    frames_tzyx: NDArray[Any], near_yx: tuple[float, float], reach_mm: float, pixel_mm: float
) -> Floats:
    """The middle of the ventricle in some slices, near another place; that place itself where nothing scores."""
    near, first, part = _around(frames_tzyx, near_yx, reach_mm, pixel_mm)
    slices = [part[:, z] for z in range(part.shape[1])]
    score = np.sum([ring_score(frames_tyx, pixel_mm) for frames_tyx in slices], axis=0)
    places = best_places(score, near, reach_mm, pixel_mm)
    means = [frames_tyx.mean(axis=0) for frames_tyx in slices]
    walls = [sum(wall_contrast(mean, place, pixel_mm) for mean in means) for place in places]
    values = [score[tuple(place)] * wall for place, wall in zip(places, walls, strict=True)]
    return np.asarray(places[int(np.argmax(values))] + first if values else near_yx, float)


def ring_maps(
    frames_tzyx: NDArray[Any], near_yx: tuple[float, float], reach_mm: float, pixel_mm: float
) -> tuple[NDArray[np.intp], Floats]:
    """The rings' scores within reach of a place and somewhat beyond: the maps' first pixel, `(z, radius, y, x)`."""
    _, first, part = _around(frames_tzyx, near_yx, reach_mm, pixel_mm)
    return first, np.asarray([ring_scores(part[:, z], pixel_mm) for z in range(part.shape[1])])


def _around(
    frames_tzyx: NDArray[Any], near_yx: tuple[float, float], reach_mm: float, pixel_mm: float
) -> tuple[tuple[float, float], NDArray[np.intp], NDArray[Any]]:
    """The part of the images that a search within reach looks at: the place in it, its first pixel, the part."""
    room = (reach_mm + _FARTHEST_MM) / pixel_mm
    shape = np.array(frames_tzyx.shape[2:])
    first = np.clip(np.floor(np.array(near_yx) - room).astype(np.intp), 0, shape - 1)
    last = np.clip(np.ceil(np.array(near_yx) + room).astype(np.intp) + 1, first + 1, shape)
    part = frames_tzyx[:, :, first[0] : last[0], first[1] : last[1]]
    return (near_yx[0] - float(first[0]), near_yx[1] - float(first[1])), first, part


def _contrast(polar: Floats, radii: Floats, radius: float) -> float:
    inside = float(polar[:, radii <= radius - _GAP_MM].mean())
    wall = polar[:, (radii > radius + _GAP_MM) & (radii <= radius + _GAP_MM + _WALL_MM)].mean(axis=1)
    return float(np.quantile((inside - wall) / (inside + _GREY), _LEAST_DARK))


def _one_radius(average: "_Averages", disk: NDArray[Any], ring: NDArray[Any]) -> Floats:
    inside, around = average(_MEAN, disk), average(_MEAN, ring)
    unevenness = average(_SQUARE, disk + ring) - inside**2 - around**2
    motion = np.maximum(average(_DELTA, disk), 0)
    score = (inside - around) / np.sqrt(np.maximum(unevenness, 0) + _GREY**2) * np.sqrt(motion)
    return np.asarray(np.maximum(score, 0))


_MEAN, _SQUARE, _DELTA = range(3)


class _Averages:
    """Means of a slice's images over a kernel's shape around every place; outside the image is black."""

    def __init__(self, padded_yx: tuple[int, int], *images_yx: Floats) -> None:
        from scipy.fft import rfft2

        self.padded_yx, (self.rows, self.columns) = padded_yx, images_yx[0].shape
        self.transforms = [rfft2(image_yx, padded_yx) for image_yx in images_yx]

    def __call__(self, image: int, kernel: NDArray[Any]) -> Floats:
        from scipy.fft import irfft2

        return np.asarray(irfft2(self.transforms[image] * kernel, self.padded_yx)[: self.rows, : self.columns])


@dataclass(frozen=True)
class _Kernels:
    """Transforms of a disk and of the ring around it, for each radius, on a grid with room for them."""

    shape_yx: tuple[int, int]
    rings: tuple[tuple[NDArray[Any], NDArray[Any]], ...]


@lru_cache(maxsize=8)
def _kernels(shape_yx: tuple[int, ...], pixel_mm: float) -> _Kernels:
    """The same for all slices of a cine."""
    from scipy.fft import rfft2

    distance = _distances(shape_yx, pixel_mm)
    rings = []
    for radius in RADII_MM:
        disk = distance <= radius
        ring = (distance > radius + _GAP_MM) & (distance <= radius + _GAP_MM + _WALL_MM)
        rings.append((rfft2(np.float32(disk / disk.sum())), rfft2(np.float32(ring / max(ring.sum(), 1)))))
    return _Kernels((distance.shape[0], distance.shape[1]), tuple(rings))


def _distances(shape_yx: tuple[int, ...], pixel_mm: float) -> Floats:
    """Distance in mm from the first pixel, on a torus that leaves room for the largest ring."""
    from scipy.fft import next_fast_len

    room = int((RADII_MM[-1] + _GAP_MM + _WALL_MM) / pixel_mm) + 1
    rows, columns = (next_fast_len(n + room, real=True) for n in shape_yx)
    y, x = (np.minimum(np.arange(n), n - np.arange(n)) * pixel_mm for n in (rows, columns))
    return np.asarray(np.hypot(y[:, None], x[None]))
