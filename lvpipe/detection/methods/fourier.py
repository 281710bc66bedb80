"""What changes once a heart beat: the first harmonic over time, as Lin et al. (2006) find the ventricle.

Ghosts, noise and flow change at any rate, the heart at its own. Where that harmonic is strong lie both ventricles; a
straight line through the stack follows their middle. The left one is then the best bright disk in a dark ring nearby,
and a straight line again follows it from slice to slice.
"""

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.axis import brightest_line, fit_line
from lvpipe.detection.finding import Finding, Scene, about, nothing
from lvpipe.detection.motion import Coarse, coarsen, why_still
from lvpipe.detection.rings import RADII_MM, ring_maps, strongest_place
from lvpipe.squares import WALL_MM

Floats = NDArray[np.float64]

_FLOOR_MEDIANS = 4.0
_FLOOR_SHARE = 0.15
"""What is under four times the usual harmonic (noise: one pixel of 60 000 is above), or under 15 % of the strongest
(flow, ghosts), is no motion."""

_LEAST_MM2 = 100.0
"""A slice's area that moves, on average: the smallest heart's border sweeps more, and what is left of noise less."""

_STRONGEST = 0.995

_REACHES_MM = (60.0, 45.0, 35.0, 30.0)
"""How far from the line motion counts, ever closer (standard deviations): what moves far off is no heart."""

_HEART_MM = 45.0
"""Half the width of both ventricles."""

_LEAST_SCORE = 0.15
"""Under it, what moves lies all over the image: noise has 0.0."""

_TILT_MM = 16.0
"""How far the ventricle's middle in the whole stack may lie from its middle in the stack's middle half."""

_BLUR_MM = 4.0

_WIDEST = 1.2
"""The cavity's radius at end-diastole over that of the mean image, which the ring fits."""


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """A square in each slice, on a straight line through the stack."""
    coarse = coarsen(scene)
    still = why_still(coarse)
    if still:
        return nothing(still, blind=True)
    moving_zyx = above_noise(first_harmonic(coarse.cine_tzyx))
    if (moving_zyx > 0).mean(axis=0).sum() * coarse.pixel_mm**2 < _LEAST_MM2:
        return nothing("no more than noise changes with the beat")
    line = _follow(moving_zyx, coarse.pixel_mm)
    score = _share_near(moving_zyx, line, coarse.pixel_mm)
    if score < _LEAST_SCORE:
        return nothing("what changes with the beat lies all over the image", score)
    if settings.motion.refine == "none":
        return about(coarse.in_view(line), score, scene, settings)
    return _left_ventricle(coarse, line, score, settings)


def first_harmonic(cine_tzyx: NDArray[np.float32]) -> NDArray[np.float32]:
    """Amplitude of what changes once a cycle, in every pixel."""
    turns = 2 * np.pi * np.arange(len(cine_tzyx)) / len(cine_tzyx)
    waves = np.array([np.cos(turns), np.sin(turns)], np.float32) * np.float32(2 / len(turns))
    cosine, sine = waves @ cine_tzyx.reshape(len(turns), -1)
    return np.asarray(np.hypot(cosine, sine).reshape(cine_tzyx.shape[1:]))


def above_noise(harmonic_zyx: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much it is more than noise, flow and ghosts make."""
    usual, strongest = np.median(harmonic_zyx), np.quantile(harmonic_zyx, _STRONGEST)
    return np.asarray(np.clip(harmonic_zyx - max(_FLOOR_MEDIANS * usual, _FLOOR_SHARE * strongest), 0, None))


def _follow(moving_zyx: NDArray[np.float32], pixel_mm: float) -> Floats:
    """The middle of what moves in every slice: from where most moves, weighted centroids on a line, ever closer."""
    from scipy.ndimage import gaussian_filter

    total = gaussian_filter(moving_zyx.sum(axis=0), _REACHES_MM[-1] / 2 / pixel_mm)
    start = np.array(np.unravel_index(total.argmax(), total.shape), float)
    line = np.tile(start, (len(moving_zyx), 1))
    for reach in _REACHES_MM:
        line = _closer(moving_zyx, line, reach / pixel_mm)
    return line


def _closer(moving_zyx: NDArray[np.float32], line: Floats, reach: float) -> Floats:
    """One step: the line through the centroids of what moves near the line so far."""
    rows, columns = (np.arange(n) for n in moving_zyx.shape[1:])
    near_zy, near_zx = (
        np.exp(-((places - line[:, [axis]]) ** 2) / (2 * reach**2)) for axis, places in ((0, rows), (1, columns))
    )
    by_row = np.einsum("zyx,zx->zy", moving_zyx, near_zx) * near_zy
    by_column = np.einsum("zyx,zy->zx", moving_zyx, near_zy) * near_zx
    weights = by_row.sum(axis=1)
    safe = np.maximum(weights, np.finfo(float).tiny)
    centroids = np.column_stack([by_row @ rows / safe, by_column @ columns / safe])
    return fit_line(centroids, weights)


def _share_near(moving_zyx: NDArray[np.float32], line: Floats, pixel_mm: float) -> float:
    """How much more of the motion lies near the line than of the image does, 0..1."""
    rows, columns = (np.arange(n) for n in moving_zyx.shape[1:])
    far2 = ((rows - line[:, [0]]) ** 2)[:, :, None] + ((columns - line[:, [1]]) ** 2)[:, None, :]
    near = far2 * pixel_mm**2 <= _HEART_MM**2
    area, total = float(near.mean()), float(moving_zyx.sum())
    if total == 0 or area == 1:
        return 0.0
    return max(0.0, (float(moving_zyx[near].sum()) / total - area) / (1 - area))


def _left_ventricle(coarse: Coarse, line: Floats, score: float, settings: DetectSettings) -> Finding:
    """The best ring near the line, followed through the stack, and the size of the ring that fits best."""
    from scipy.ndimage import gaussian_filter

    slices, pixel_mm = len(line), coarse.pixel_mm
    middle = coarse.cine_tzyx[:, slices // 4 : slices - slices // 4]
    place = strongest_place(middle, tuple(np.median(line, axis=0)), settings.motion.reach_mm, pixel_mm)
    first, maps_zryx = ring_maps(coarse.cine_tzyx, tuple(place), _TILT_MM, pixel_mm)
    blur = _BLUR_MM / pixel_mm
    followed = brightest_line(
        gaussian_filter(maps_zryx.max(axis=1), (0, blur, blur)), place - first, _TILT_MM, pixel_mm
    )
    side = _side_mm(maps_zryx, followed, settings)
    middles = coarse.in_view(followed + first)
    squares = np.column_stack([middles, np.full(slices, side / pixel_mm * coarse.step)])
    return Finding(squares, score, np.full(slices, score))


def _side_mm(maps_zryx: Floats, line: Floats, settings: DetectSettings) -> float:
    """Of the square about the ring that fits best in the whole stack, as it is at end-diastole."""
    rows, columns = (
        np.clip(np.rint(line[:, axis]).astype(np.intp), 0, maps_zryx.shape[2 + axis] - 1) for axis in (0, 1)
    )
    fits = maps_zryx[np.arange(len(line)), :, rows, columns].sum(axis=0)
    if not fits.any():
        return settings.side_mm
    return settings.margin * 2 * (_WIDEST * float(np.average(RADII_MM, weights=fits)) + WALL_MM)
