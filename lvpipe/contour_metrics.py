"""Measures of contours as the Sunnybrook challenge defines them (Radau et al., MIDAS Journal, MICCAI 2009 workshop).

The challenge compares an automatic contour with an expert's on one slice: the average perpendicular distance (APD)
between them, and whether it is a good contour. Dice and APD are then told of the good contours alone, and the share of
good ones among the slices that the expert drew. A contour of ours on a slice where the expert drew none has nothing to
be compared with: it counts in none of the three.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.borders import borders, rounded

GOOD_BELOW_MM = 5.0
"""A contour is good whose APD is below this: the challenge's limit."""

_Points = NDArray[np.float64]


def perpendicular_distance_mm(estimate: NDArray[Any], expert: NDArray[Any], spacing_yx_mm: Sequence[float]) -> float:
    """The mean distance from the points of the estimate's contour to the expert's contour (APD, Radau 2009), mm >= 0.

    The mean weighs each point by the length of contour that it stands for, as if points lay evenly. The distance of a
    point is that to the nearest place of the expert's closed polyline: along the perpendicular to the expert's line
    there. (Along the perpendicular to the estimate's own line it is the same to second order in the distance over the
    radius, but some such lines meet no contour at all.) NaN where either mask is empty.
    """
    if not (estimate.any() and expert.any()):
        return float("nan")
    window = _window(estimate | expert)
    ours, theirs = (rounded(outline_mm(mask[window], spacing_yx_mm)) for mask in (estimate, expert))
    return float(np.average(distances_mm(ours[:-1], theirs), weights=_shares(ours)))


def is_good(distance_mm: float, *, expert_drew: bool) -> bool | None:
    """Whether a slice has a good contour: no where we drew none; None where the expert drew none: it does not count."""
    return bool(distance_mm < GOOD_BELOW_MM) if expert_drew else None


def outline_mm(mask_yx: NDArray[Any], spacing_yx_mm: Sequence[float]) -> _Points:
    """The largest closed border of a mask, in mm."""
    return np.asarray(max(borders(mask_yx), key=_area) * np.asarray(spacing_yx_mm))


def distances_mm(points: _Points, loop: _Points) -> _Points:
    """How far each point is from a closed polyline, whose last point is its first."""
    (y, x), (along_y, along_x) = loop[:-1].T, np.diff(loop, axis=0).T
    there_y, there_x = points[:, :1] - y, points[:, 1:] - x
    share = np.clip((there_y * along_y + there_x * along_x) / (along_y**2 + along_x**2), 0, 1)
    apart_y, apart_x = there_y - share * along_y, there_x - share * along_x
    return np.asarray(np.sqrt((apart_y**2 + apart_x**2).min(axis=1)))


def _shares(loop: _Points) -> _Points:
    """Half of the two steps beside each point of a closed loop."""
    steps = np.hypot(*np.diff(loop, axis=0).T)
    return np.asarray((steps + np.roll(steps, 1)) / 2)


def _area(loop: _Points) -> float:
    y, x = loop.T
    return float(abs(x[:-1] @ y[1:] - x[1:] @ y[:-1]))


def _window(mask: NDArray[Any]) -> tuple[slice, ...]:
    """The smallest window that holds the mask: the same contours for less."""
    return tuple(slice(int(where.min()), int(where.max()) + 1) for where in np.nonzero(mask))
