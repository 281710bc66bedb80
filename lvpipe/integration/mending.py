"""Areas made plausible before they are summed up: holes filled by their neighbours, noise smoothed along the cycle.

A network that loses the heart in a slice, or in a frame of it, leaves a hole between slices and frames that show it.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import AreaTable
from lvpipe.config.integrate import MendSettings


@dataclass(frozen=True, eq=False)
class Mended:
    """A table without holes, and how many mm2 each of its areas has got by it."""

    table: AreaTable
    filled_tz_mm2: NDArray[np.float64]


def mend(table: AreaTable, settings: MendSettings) -> Mended:
    """Holes in time, then holes in space, then the circular mean over time; nothing of it where it is switched off."""
    areas = fill_frames(table.areas_tz_mm2, settings.hole_share)
    areas = fill_slices(areas, table.positions_mm, settings.hole_share)
    filled = areas - table.areas_tz_mm2
    return Mended(replace(table, areas_tz_mm2=smoothed(areas) if settings.smooth else areas), filled)


def fill_frames(areas_tz_mm2: NDArray[Any], hole_share: float) -> NDArray[np.float64]:
    """An area below this share of those in the frames before and after, which close the cycle, is their mean."""
    before, after = np.roll(areas_tz_mm2, 1, axis=0), np.roll(areas_tz_mm2, -1, axis=0)
    holes = areas_tz_mm2 < hole_share * np.minimum(before, after)
    return np.where(holes, (before + after) / 2, areas_tz_mm2)


def smoothed(areas_tz_mm2: NDArray[Any]) -> NDArray[np.float64]:
    """Half of a frame's area and a quarter of each neighbour's; the cycle closes."""
    before, after = np.roll(areas_tz_mm2, 1, axis=0), np.roll(areas_tz_mm2, -1, axis=0)
    return np.asarray(areas_tz_mm2 / 2 + (before + after) / 4)


def fill_slices(areas_tz_mm2: NDArray[Any], positions_mm: NDArray[Any], hole_share: float) -> NDArray[np.float64]:
    """A cavity grows to one level and shrinks again: an area below this share of the largest on its one side and of
    the largest on its other is put on the line between the nearest slices that are no holes.
    """
    order = np.argsort(positions_mm, kind="stable")
    areas, positions = areas_tz_mm2[:, order].astype(float), positions_mm[order]
    to_one_side = np.maximum.accumulate(areas, axis=1)
    to_other_side = np.maximum.accumulate(areas[:, ::-1], axis=1)[:, ::-1]
    holes = areas < hole_share * np.minimum(to_one_side, to_other_side)
    for frame in np.flatnonzero(holes.any(axis=1)):
        bad = holes[frame]
        areas[frame, bad] = np.interp(positions[bad], positions[~bad], areas[frame, ~bad])
    filled = np.empty_like(areas)
    filled[:, order] = areas
    return filled
