"""From areas of slices to millilitres, and which frames are end-diastole and end-systole."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Rule = Literal["frustum", "trapezoid", "simpson", "disk"]
EndCaps = Literal["none", "half_slab", "zero_area"]
FrameRule = Literal["per_volume", "summed_area", "per_slice", "first_frame"]

MM3_PER_ML = 1000.0

SHARED_SPREAD = 0.0
"""Correlation of the errors of any two slices of a stack, where a network tells a spread for each: Liao et al. take
them as independent (their Var V = sum of a^2 Var F), and what is wrong with that the out-of-fold volumes mend."""


@dataclass(frozen=True)
class Beat:
    """End-diastole and end-systole of a cine: frames, volumes and what follows from them."""

    ed_frame: int
    es_frame: int
    edv_ml: float
    esv_ml: float
    edv_sd_ml: float = float("nan")
    esv_sd_ml: float = float("nan")
    """Spreads of the volumes, where the estimate has one of its own."""

    @property
    def sv_ml(self) -> float:
        """Stroke volume."""
        return self.edv_ml - self.esv_ml

    @property
    def ef_percent(self) -> float:
        """Ejection fraction; NaN for an empty ventricle."""
        return 100 * self.sv_ml / self.edv_ml if self.edv_ml > 0 else float("nan")


def integrate_areas(
    areas_mm2: NDArray[Any],
    positions_mm: NDArray[Any],
    rule: Rule,
    end_caps: EndCaps = "none",
    thickness_mm: float = 0.0,
) -> NDArray[np.float64]:
    """Volume in mL of areas `(..., slices)` at positions in either direction; docs/methods.md has the four rules.

    Beyond the outermost slices with any area stand the end caps. One slice alone is its area times the thickness;
    no slice at all is NaN.
    """
    areas, positions = _ordered(np.asarray(areas_mm2, float), np.asarray(positions_mm, float))
    if len(positions) == 0:
        return np.full(areas.shape[:-1], np.nan)
    if len(positions) == 1:
        return areas[..., 0] * thickness_mm / MM3_PER_ML
    inside = _RULES[rule](areas, positions)
    caps = _caps(areas, positions, end_caps) if rule != "disk" else 0.0
    return np.asarray((inside + caps) / MM3_PER_ML)


def slice_weights_ml(positions_mm: NDArray[Any]) -> NDArray[np.float64]:
    """How many mL hang on one mm2 of each slice: half the distance between its neighbours, one-sided at the ends.

    The trapezoid rule is linear in the areas: its weights are the volumes of one mm2 in one slice at a time.
    """
    return integrate_areas(np.eye(len(positions_mm)), positions_mm, "trapezoid")


def spread_ml(
    sds_mm2: NDArray[Any],
    positions_mm: NDArray[Any],
    rule: Rule,
    end_caps: EndCaps = "none",
    thickness_mm: float = 0.0,
    shared: float = SHARED_SPREAD,
) -> NDArray[np.float64]:
    """The spread in mL of a volume whose areas `(..., slices)` have these spreads; NaN where one is not known.

    Every rule but the frustum is linear in the areas; between slices that are alike that one is the trapezoid.
    """
    linear: Rule = "trapezoid" if rule == "frustum" else rule
    weights = integrate_areas(np.eye(len(positions_mm)), positions_mm, linear, end_caps, thickness_mm)
    parts = np.asarray(sds_mm2, float) * weights
    return np.asarray(np.sqrt((1 - shared) * (parts**2).sum(axis=-1) + shared * parts.sum(axis=-1) ** 2))


def pick_frames(
    areas_tz_mm2: NDArray[Any], volumes_ml: NDArray[Any], rule: FrameRule, smooth_frames: int = 1
) -> tuple[int, int]:
    """Frames of end-diastole and end-systole; `per_slice` has none of its own and shows those of the volume curve."""
    curve = volumes_ml
    if rule in ("summed_area", "first_frame"):
        curve = circular_mean(areas_tz_mm2.sum(axis=1), smooth_frames)
    ed_frame = 0 if rule == "first_frame" else int(np.argmax(curve))
    return ed_frame, int(np.argmin(curve))


def circular_mean(curve_t: NDArray[Any], width: int) -> NDArray[np.float64]:
    """Mean over `width` neighbouring frames of a closed cycle; an even width looks one further back."""
    offsets = np.arange(width) - width // 2
    return np.asarray(np.mean([np.roll(curve_t, -offset) for offset in offsets], axis=0))


def _ordered(areas: NDArray[Any], positions: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    shares, unique = merge_slices(positions)
    return areas @ shares, unique


def merge_slices(positions_mm: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """What sorts slices by increasing position, a matrix `(slices, places)`, and the places.

    Slices at the same position are averaged.
    """
    unique, which = np.unique(positions_mm, return_inverse=True)
    counts = np.bincount(which, minlength=len(unique))
    return (which[:, None] == np.arange(len(unique))) / np.maximum(counts, 1), unique


def _frustum(areas: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    lower, upper = np.clip(areas[..., :-1], 0, None), np.clip(areas[..., 1:], 0, None)
    return np.asarray((np.diff(positions) / 3 * (lower + upper + np.sqrt(lower * upper))).sum(axis=-1))


def _trapezoid(areas: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.trapezoid(areas, positions, axis=-1))


def _simpson(areas: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    from scipy.integrate import simpson

    return np.asarray(simpson(areas, x=positions, axis=-1))


def _disk(areas: NDArray[Any], positions: NDArray[Any]) -> NDArray[Any]:
    """Every slice is a disk as thick as the distance that it stands for; the outer ones as thick as their one gap."""
    gaps = np.diff(positions)
    heights = (np.append(gaps, gaps[-1]) + np.insert(gaps, 0, gaps[0])) / 2
    return np.asarray((areas * heights).sum(axis=-1))


_RULES = {"frustum": _frustum, "trapezoid": _trapezoid, "simpson": _simpson, "disk": _disk}


def _caps(areas: NDArray[Any], positions: NDArray[Any], end_caps: EndCaps) -> NDArray[Any] | float:
    """What lies beyond the outermost slices that hold cavity, at both ends.

    The rules already count half a gap (a third, for the frustum) between the last slice with cavity and an empty one;
    a cap replaces that part only where no empty slice follows, at the ends of the stack.
    """
    if end_caps == "none":
        return 0.0
    gap = float(np.median(np.diff(positions)))
    share = 0.5 if end_caps == "half_slab" else 1 / 3
    return np.asarray(share * gap * (areas[..., 0] + areas[..., -1]))
