"""From a table of areas to the volume curve and the beat: the one reading that `integrate` gives a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.integrate import IntegrateSettings
from lvpipe.volumes import Beat, integrate_areas, pick_frames, spread_ml

FEW_SLICES = 5
"""Fewer slices than this leave more than a slice distance of doubt at either end (three-slice Kaggle studies)."""

LARGEST_ML = 599.0
"""The forecast's last volume; the largest of 700 Kaggle hearts has 569 mL."""

SMALLEST_STROKE_SHARE = 0.03
"""A heart that ejects less than 3 % has not been seen beating: the mask is not the cavity."""


MUSCLE_G_PER_ML = 1.05
"""Density of heart muscle (Schulz-Menger et al., J Cardiovasc Magn Reson 2013)."""

INCOMPLETE = "incomplete"
"""The flag of a case whose slices are too few, or too far apart, for its volumes to be taken as estimates."""

HEART_DOUBTFUL = "heart-doubtful"
"""The flag of a case in which the methods that look for the heart disagree where it is."""


@dataclass(frozen=True)
class AreaTable:
    """Cavity areas of one case, `(frames, slices)`, at the slices' positions."""

    areas_tz_mm2: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    thickness_mm: float
    sds_tz_mm2: NDArray[np.float64] | None = None
    """Spreads of the areas, where a network tells them."""

    @property
    def frames_slices(self) -> tuple[int, int]:
        """How many there are of either."""
        frames, slices = self.areas_tz_mm2.shape
        return frames, slices


def read_areas(rows: Sequence[dict[str, str]], thickness_mm: float) -> AreaTable:
    """The rows of an area file as arrays."""
    areas = _column(rows, "cavity_mm2")
    positions = np.zeros(areas.shape[1])
    for row in rows:
        positions[int(row["slice"])] = float(row["position_mm"])
    return AreaTable(areas, positions, thickness_mm, _spreads(rows))


def thickness_of(ledger: Mapping[str, Any]) -> float:
    """The header's slice thickness in mm, or the distance of slices where it says none."""
    return float(ledger["thickness_mm"] or ledger["slice_spacing_mm"] or 0.0)


def integrated_at(
    positions_mm: NDArray[np.float64], thickness_mm: float, settings: IntegrateSettings
) -> NDArray[np.float64]:
    """Where slices lie for their integral: at their positions, or one thickness apart."""
    if settings.distance == "position":
        return positions_mm
    return np.arange(len(positions_mm), dtype=np.float64) * thickness_mm


def read_muscle(rows: Sequence[dict[str, str]]) -> NDArray[np.float64]:
    """The muscle's areas in the same rows, `(frames, slices)`; NaN where they were not measured."""
    return _column(rows, "myocardium_mm2")


def volume_curve(table: AreaTable, settings: IntegrateSettings) -> NDArray[np.float64]:
    """Volume in mL of every frame."""
    return _volume(table, table.areas_tz_mm2, settings)


def measure_beat(table: AreaTable, settings: IntegrateSettings) -> Beat:
    """ED, ES and their volumes by the wanted rules."""
    curve = volume_curve(table, settings)
    ed_frame, es_frame = pick_frames(table.areas_tz_mm2, curve, settings.frames, settings.smooth_frames)
    frames = np.repeat([[ed_frame], [es_frame]], table.areas_tz_mm2.shape[1], axis=1)
    if settings.frames == "per_slice":
        frames = np.stack([table.areas_tz_mm2.argmax(axis=0), table.areas_tz_mm2.argmin(axis=0)])
    volumes_ml = _volume(table, np.take_along_axis(table.areas_tz_mm2, frames, axis=0), settings)
    return Beat(ed_frame, es_frame, *map(float, volumes_ml), *map(float, _spread(table, frames, settings)))


def muscle_mass_g(
    table: AreaTable, muscle_tz_mm2: NDArray[Any] | None, frame: int, settings: IntegrateSettings
) -> float:
    """The mass of the muscle in one frame, its volume integrated as the cavity's is; NaN where it was not measured."""
    if muscle_tz_mm2 is None:
        return float("nan")
    return float(_volume(table, muscle_tz_mm2[frame], settings)) * MUSCLE_G_PER_ML


def flags_of(beat: Beat, slices: int) -> list[str]:
    """What a reader of the numbers should know."""
    flags = []
    if not beat.edv_ml > 0:
        flags.append("empty")
    if beat.edv_ml > LARGEST_ML or beat.sv_ml < SMALLEST_STROKE_SHARE * beat.edv_ml:
        flags.append("implausible")
    if slices < FEW_SLICES:
        flags.append("few-slices")
    return flags


def _spreads(rows: Sequence[dict[str, str]]) -> NDArray[np.float64] | None:
    sds = _column(rows, "cavity_sd_mm2")
    return sds if np.isfinite(sds).any() else None


def _column(rows: Sequence[dict[str, str]], name: str) -> NDArray[np.float64]:
    areas = np.zeros((1 + max(int(row["frame"]) for row in rows), 1 + max(int(row["slice"]) for row in rows)))
    for row in rows:
        areas[int(row["frame"]), int(row["slice"])] = float(row[name] or "nan")
    return areas


def _volume(table: AreaTable, areas: NDArray[Any], settings: IntegrateSettings) -> NDArray[np.float64]:
    positions = integrated_at(table.positions_mm, table.thickness_mm, settings)
    return integrate_areas(areas, positions, settings.rule, settings.end_caps, table.thickness_mm)


def _spread(table: AreaTable, frames: NDArray[np.intp], settings: IntegrateSettings) -> NDArray[np.float64]:
    """Of the volumes of each slice in one of these frames, `(volumes, slices)`."""
    if table.sds_tz_mm2 is None:
        return np.full(len(frames), np.nan)
    positions = integrated_at(table.positions_mm, table.thickness_mm, settings)
    sds = np.take_along_axis(table.sds_tz_mm2, frames, axis=0)
    return spread_ml(sds, positions, settings.rule, settings.end_caps, table.thickness_mm)
