"""The rows and the columns that change most: the mean deltas of Hsin and Danner (section 4.2)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import DetectSettings, MotionSettings
from lvpipe.detection.finding import Finding, Scene, about, nothing
from lvpipe.detection.motion import Coarse, coarsen, why_still
from lvpipe.detection.rings import strongest_place

Floats = NDArray[np.float64]

_LEAST_SCORE = 0.05
"""Under it the strongest band changes hardly more than the rest: noise has 0.00 to 0.01, hearts 0.17 to 0.91."""


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """A square around each slice's centre, or one for all around the study's."""
    coarse = coarsen(scene)
    still = why_still(coarse)
    if still:
        return nothing(still, blind=True)
    deltas_zyx = mean_deltas(coarse.cine_tzyx)
    centres, scores = _bands(deltas_zyx, max(1, round(settings.motion.band_mm / coarse.pixel_mm)))
    score = float(np.median(scores))
    if score < _LEAST_SCORE:
        return nothing("no rows and columns change more than the rest", score)
    return about(coarse.in_view(_placed(coarse, centres, settings.motion)), score, scene, settings)


def mean_deltas(cine_tzyx: NDArray[Any]) -> Floats:
    """How far each pixel is from its own mean over time, on average."""
    return np.asarray(np.abs(cine_tzyx - cine_tzyx.mean(axis=0)).mean(axis=0))


def _bands(deltas_zyx: Floats, width: int) -> tuple[Floats, Floats]:
    """Each slice's centre, and how much of the change in its bands is more than elsewhere, 0..1."""
    profiles = [[delta.mean(axis=1), delta.mean(axis=0)] for delta in deltas_zyx]
    found = np.array([[strongest_band(profile, width) for profile in pair] for pair in profiles])
    return found[..., 0], found[..., 1].min(axis=1)


def strongest_band(profile: NDArray[Any], width: int) -> tuple[float, float]:
    """Middle of the band of `width` with the largest mean, sliding by one, and how far it stands out, 0..1.

    Of equal bands, the middle one.
    """
    width = min(width, len(profile))
    means = np.convolve(profile, np.ones(width), mode="valid") / width
    strongest = np.flatnonzero(means == means.max())
    stands_out = 1 - float(np.median(profile)) / max(float(means.max()), np.finfo(float).tiny)
    return float(strongest[len(strongest) // 2]) + (width - 1) / 2, min(max(stands_out, 0.0), 1.0)


def _placed(coarse: Coarse, centres: Floats, settings: MotionSettings) -> Floats:
    """Each slice's centre, or the study's for all, at the best ring nearby where that is wanted."""
    if settings.per == "study":
        centres = np.tile(np.median(centres, axis=0), (len(centres), 1))
    return centres if settings.refine == "none" else _at_rings(coarse, centres, settings)


def _at_rings(coarse: Coarse, centres: Floats, settings: MotionSettings) -> Floats:
    """A study's ring is sought in its middle half, where the ventricle is round."""
    slices = len(centres)
    cine_tzyx, reach, pixel_mm = coarse.cine_tzyx, settings.reach_mm, coarse.pixel_mm
    if settings.per == "study":
        middle = cine_tzyx[:, slices // 4 : slices - slices // 4]
        return np.tile(strongest_place(middle, tuple(centres[0]), reach, pixel_mm), (slices, 1))
    return np.array([strongest_place(cine_tzyx[:, [z]], tuple(centres[z]), reach, pixel_mm) for z in range(slices)])
