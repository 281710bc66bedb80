"""One heart measured: its areas mended, its beat, its muscle; what a cohort's tables tell of a case."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import AreaTable, measure_beat, muscle_mass_g, volume_curve
from lvpipe.config.integrate import IntegrateSettings
from lvpipe.integration.mending import mend
from lvpipe.volumes import Beat


@dataclass(frozen=True, eq=False)
class Heart:
    """The areas that were integrated, and what came of them."""

    table: AreaTable
    beat: Beat
    mass_g: float
    muscle_tz_mm2: NDArray[Any] | None
    mended_slices: int
    """Slices that were holes at ED or at ES."""
    mended_ml: float
    """How much that gave EDV and ESV together."""
    mean_filling: float
    """Mean over the cycle of (V - ESV) / (EDV - ESV): how long the heart stays full."""


def measure(table: AreaTable, muscle_tz_mm2: NDArray[Any] | None, settings: IntegrateSettings) -> Heart:
    """Mend, choose the two frames, integrate."""
    mended = mend(table, settings.mend)
    beat = measure_beat(mended.table, settings)
    mass_g = muscle_mass_g(mended.table, muscle_tz_mm2, beat.ed_frame, settings)
    filled = AreaTable(mended.filled_tz_mm2[[beat.ed_frame, beat.es_frame]], table.positions_mm, table.thickness_mm)
    holes = int(np.count_nonzero(filled.areas_tz_mm2.any(axis=0)))
    gained_ml = float(volume_curve(filled, settings).sum()) if holes else 0.0
    filling = _mean_filling(volume_curve(mended.table, settings))
    return Heart(mended.table, beat, mass_g, muscle_tz_mm2, holes, gained_ml, filling)


def _mean_filling(curve_ml: NDArray[np.float64]) -> float:
    """NaN of a heart that does not beat."""
    stroke_ml = float(np.ptp(curve_ml))
    return float((curve_ml - curve_ml.min()).mean()) / stroke_ml if stroke_ml > 0 else float("nan")
