"""The heart's axis: a straight line through the stack, since one slice alone is often read wrong and ten are not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEADY_STEPS2 = 0.2
"""Added to the spread of the slices that a slope is fitted to: two slices tell a place, and hardly a slope."""

_SLOPE_MM = 5.0
"""Usual drift of the ventricle's middle from slice to slice (standard deviation, each axis)."""

_ROUNDS = 10
"""Rounds after which a robust line hardly moves."""

_SLOPES_MM = np.arange(-4.0, 4.5)


def fit_line(middles_zyx: NDArray[Any], weights_z: NDArray[Any]) -> Floats:
    """The weighted straight line through the slices' middles: row and column in every slice."""
    z = np.arange(len(middles_zyx))
    shares = weights_z / weights_z.sum() if weights_z.sum() > 0 else np.full(len(z), 1 / len(z))
    away = z - shares @ z
    middle = shares @ middles_zyx
    slope = (shares * away) @ (middles_zyx - middle) / (shares @ away**2 + _STEADY_STEPS2)
    return np.asarray(middle + away[:, None] * slope, float)


def agreed_line(middles_zyx: NDArray[Any], weights_z: NDArray[Any], scale: float) -> Floats:
    """The line through most of the middles: each round, those farther off than `scale` count less (Cauchy)."""
    line = np.tile(np.median(middles_zyx, axis=0), (len(middles_zyx), 1))
    for _ in range(_ROUNDS):
        far = np.hypot(*(middles_zyx - line).T) / scale
        line = fit_line(middles_zyx, weights_z / (1 + far**2))
    return line


def brightest_line(score_zyx: NDArray[Any], near_yx: NDArray[Any], reach_mm: float, pixel_mm: float) -> Floats:
    """The straight line with the largest sum of scores, among those whose middle is within reach of a place."""
    slices = len(score_zyx)
    away = np.arange(slices) - (slices - 1) / 2
    reach = round(reach_mm / pixel_mm)
    room = reach + int(np.ceil(_SLOPES_MM.max() / pixel_mm * away.max())) + 1
    first = np.rint(near_yx).astype(np.intp) - reach
    padded = np.pad(score_zyx, ((0, 0), (room, room), (room, room)))
    slopes = [(down, right) for down in _SLOPES_MM / pixel_mm for right in _SLOPES_MM / pixel_mm]
    totals = [_sheared(padded, first + room, 2 * reach + 1, np.outer(away, slope)) for slope in slopes]
    usual = np.exp(-(np.array(slopes) ** 2).sum(axis=1) / (2 * (_SLOPE_MM / pixel_mm) ** 2))
    which, row, column = np.unravel_index(np.argmax(totals * usual[:, None, None]), (len(slopes), *totals[0].shape))
    start = first + np.array([row, column])
    return np.asarray(start + np.outer(away, slopes[which]), float)


def _sheared(padded_zyx: NDArray[Any], first_yx: NDArray[np.intp], side: int, shifts: Floats) -> Floats:
    """Sum over the slices of a square window that drifts from slice to slice."""
    corners = np.clip(first_yx + np.rint(shifts).astype(np.intp), 0, np.array(padded_zyx.shape[1:]) - side)
    windows = zip(padded_zyx, corners, strict=True)
    return np.asarray(np.sum([slice_yx[y : y + side, x : x + side] for slice_yx, (y, x) in windows], axis=0))
