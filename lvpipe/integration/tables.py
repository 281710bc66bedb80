"""The tables of `integrate` and their rows: areas, volume curves, beats, and areas beside reference areas."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import HEART_DOUBTFUL, INCOMPLETE, AreaTable, flags_of
from lvpipe.integration.hearts import Heart
from lvpipe.volumes import Beat

AREAS: Final = ("case", "frame", "slice", "position_mm", "cavity_mm2", "myocardium_mm2", "cavity_sd_mm2")
CURVE: Final = ("case", "frame", "time_ms", "cavity_ml")
BEATS: Final = (
    *("case", "edv_ml", "esv_ml", "sv_ml", "ef_percent", "mass_g", "edv_sd_ml", "esv_sd_ml"),
    *("ed_frame", "es_frame", "frames", "slices"),
    *("mean_filling", "mended_slices", "mended_ml", "flags", "reason"),
)
PAIRS: Final = ("case", "frame", "slice", "position_mm", "cavity_mm2", "box_mm2", "reference_mm2", "myocardium_mm2")

Row = dict[str, object]


def area_rows(case: str, table: AreaTable, myocardium: NDArray[Any] | None = None) -> Iterator[Row]:
    """Every frame and slice of a case; blank cells where no muscle was drawn and no spread told."""
    unknown = np.full_like(table.areas_tz_mm2, np.nan)
    muscle = unknown if myocardium is None else myocardium
    sds = unknown if table.sds_tz_mm2 is None else table.sds_tz_mm2
    for (frame, z), area in np.ndenumerate(table.areas_tz_mm2):
        numbers = (float(table.positions_mm[z]), float(area), float(muscle[frame, z]), float(sds[frame, z]))
        yield dict(zip(AREAS, (case, frame, z, *numbers), strict=True))


def curve_rows(case: str, times_ms: Sequence[float] | None, curve: NDArray[Any]) -> Iterator[Row]:
    """A case's volume in every frame."""
    for frame, volume in enumerate(curve):
        time_ms = None if times_ms is None else float(times_ms[frame])
        yield dict(zip(CURVE, (case, frame, time_ms, float(volume)), strict=True))


def heart_row(case: str, heart: Heart, left_out: str, further: Sequence[str] = (), doubt: str = "") -> Row:
    """One row of volumes.csv.

    `left_out` says what a stack lacks that is too incomplete to integrate, `doubt` why its heart may be elsewhere.
    """
    row = _row(case, heart.beat, heart.table.frames_slices, left_out, further, doubt)
    row |= {"mass_g": heart.mass_g, "ed_frame": heart.beat.ed_frame, "es_frame": heart.beat.es_frame}
    row |= {"mended_slices": heart.mended_slices, "mended_ml": heart.mended_ml}
    return row | {"mean_filling": heart.mean_filling}


def told_row(case: str, beat: Beat, frames_slices: tuple[int, int], left_out: str, doubt: str) -> Row:
    """The row of volumes that were told at once: no frame was chosen, nothing mended."""
    return _row(case, beat, frames_slices, left_out, (), doubt)


def _row(
    case: str, beat: Beat, frames_slices: tuple[int, int], left_out: str, further: Sequence[str], doubt: str
) -> Row:
    found = [flag for flag, why in ((HEART_DOUBTFUL, doubt), (INCOMPLETE, left_out)) if why]
    row = no_beat(case, "; ".join(filter(None, (left_out, doubt))))
    row |= {"edv_ml": beat.edv_ml, "esv_ml": beat.esv_ml, "sv_ml": beat.sv_ml, "ef_percent": beat.ef_percent}
    row |= {"edv_sd_ml": beat.edv_sd_ml, "esv_sd_ml": beat.esv_sd_ml}
    row |= dict(zip(("frames", "slices"), frames_slices, strict=True))
    return row | {"flags": " ".join([*flags_of(beat, frames_slices[1]), *further, *found])}


def no_beat(case: str, reason: str) -> Row:
    """The row of a case that could not be measured."""
    return {**dict.fromkeys(BEATS), "case": case, "flags": "rejected", "reason": reason}


def pair_rows(
    case: str, heart: Heart, reference_tz_mm2: NDArray[Any] | None, boxes_mm2: NDArray[np.float64] | None
) -> Iterator[Row]:
    """The slices of the two frames, and of every frame that was drawn; None of a reference or boxes that there are none
    of.
    """
    unknown = np.full_like(heart.table.areas_tz_mm2, np.nan)
    reference = unknown if reference_tz_mm2 is None else reference_tz_mm2
    muscle = unknown if heart.muscle_tz_mm2 is None else heart.muscle_tz_mm2
    boxes = unknown[0] if boxes_mm2 is None else boxes_mm2
    drawn = np.flatnonzero(np.isfinite(reference).any(axis=1))
    for frame in sorted({heart.beat.ed_frame, heart.beat.es_frame} | set(map(int, drawn))):
        for z, area in enumerate(heart.table.areas_tz_mm2[frame]):
            numbers = (heart.table.positions_mm[z], area, boxes[z], reference[frame, z], muscle[frame, z])
            yield dict(zip(PAIRS, (case, frame, z, *map(float, numbers)), strict=True))
