"""Where a bright disk lies in a dark ring and moves: what a left ventricle looks like in any short-axis slice.

What moves most is often the right ventricle. The left one is told from it by its wall: dark, of even thickness, all
around. Every place is scored by the contrast of a disk of blood against a ring of muscle, over their unevenness,
times the root of the motion inside.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RADII_MM = (16.0, 21.0, 27.0, 34.0)
"""Cavity radii from a small heart at end-systole to a dilated one; areas grow by about 1.6 from one to the next."""

_GAP_MM = 2.0
"""Between disk and ring: the border itself is blurred by motion."""

_WALL_MM = 7.0
"""Thickness of the ring: a normal wall is 6 to 11 mm thick."""

_BLUR_MM = 4.0
"""Smoothing of the score over places, so that one lucky pixel does not win."""

_GREY_VARIANCE = 25.0
"""Added to the unevenness, in squared grey levels of 0..255: noise alone must not make a flat spot perfect."""


def ring_score(frames_tyx: NDArray[Any], pixel_mm: float) -> Floats:
    """How much every place of a slice looks like the middle of a left ventricle; 0 where not at all."""
    frames = frames_tyx.astype(np.float64)
    mean = frames.mean(axis=0)
    delta = np.abs(frames - mean).mean(axis=0)
    scores = [_one_radius(mean, delta, disk, ring) for disk, ring in _kernels(mean.shape, pixel_mm)]
    return np.asarray(np.maximum(np.max(scores, axis=0), 0))


def strongest_place(score_yx: Floats, near_yx: tuple[float, float], reach_px: float, pixel_mm: float) -> Floats:
    """The best place within reach of another one; that other one where nothing scores."""
    from scipy.ndimage import gaussian_filter

    rows, columns = (np.abs(np.arange(n) - centre) for n, centre in zip(score_yx.shape, near_yx, strict=True))
    within = (rows[:, None] <= reach_px) & (columns[None] <= reach_px)
    smoothed = np.where(within, gaussian_filter(score_yx, _BLUR_MM / pixel_mm), 0)
    if not smoothed.any():
        return np.asarray(near_yx, float)
    return np.asarray(np.unravel_index(np.argmax(smoothed), smoothed.shape), float)


def _one_radius(mean: Floats, delta: Floats, disk: NDArray[Any], ring: NDArray[Any]) -> Floats:
    inside, around = _average(mean, disk), _average(mean, ring)
    unevenness = _average(mean**2, disk) - inside**2 + _average(mean**2, ring) - around**2
    motion = np.maximum(_average(delta, disk), 0)
    return np.asarray((inside - around) / np.sqrt(np.maximum(unevenness, 0) + _GREY_VARIANCE) * np.sqrt(motion))


def _average(image: Floats, kernel: NDArray[Any]) -> Floats:
    """Mean of the image over the kernel's shape around every place; outside the image is black."""
    from scipy.fft import irfft2, rfft2

    rows, columns = image.shape
    shape = (kernel.shape[0], 2 * (kernel.shape[1] - 1))
    return np.asarray(irfft2(rfft2(image, shape) * kernel, shape)[:rows, :columns])


def _kernels(shape_yx: tuple[int, ...], pixel_mm: float) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Transforms of a disk and of the ring around it, for each radius."""
    from scipy.fft import rfft2

    distance = _distances(shape_yx, pixel_mm)
    for radius in _RADII_MM:
        disk = distance <= radius
        ring = (distance > radius + _GAP_MM) & (distance <= radius + _GAP_MM + _WALL_MM)
        yield rfft2(disk / disk.sum()), rfft2(ring / max(ring.sum(), 1))


def _distances(shape_yx: tuple[int, ...], pixel_mm: float) -> Floats:
    """Distance in mm from the first pixel, on a torus that leaves room for the largest ring."""
    from scipy.fft import next_fast_len

    room = int((_RADII_MM[-1] + _GAP_MM + _WALL_MM) / pixel_mm) + 1
    # An even number of columns: a real transform cannot tell 2 n from 2 n + 1.
    rows, columns = next_fast_len(shape_yx[0] + room), 2 * next_fast_len((shape_yx[1] + room + 1) // 2)
    y, x = (np.minimum(np.arange(n), n - np.arange(n)) * pixel_mm for n in (rows, columns))
    return np.asarray(np.hypot(y[:, None], x[None]))
