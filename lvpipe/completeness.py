"""Whether a stack has enough slices, near enough to each other, for a volume to be trusted that is made of it."""

from collections.abc import Sequence

import numpy as np

from lvpipe.config.convert import Completeness
from lvpipe.geometry import Floats

_SPACING_CLUSTER_MM = 0.25
"""Steps between neighbours that differ by less are one spacing, up to rounding and table movement."""

_STEPS_THAT_AGREE = 2
"""One step alone does not say what is regular."""


def incomplete_reason(positions_mm: Sequence[float] | Floats, settings: Completeness) -> str:
    """Why slices at these positions can hardly give a volume, as far as positions tell; "" if they can."""
    positions = np.sort(np.asarray(positions_mm, float))
    if len(positions) < settings.slices_for_volume:
        return f"{len(positions)} slices; a volume needs {settings.slices_for_volume}"
    if len(positions) == 1:
        return ""
    steps = np.diff(positions)
    spacing_mm = usual_spacing_mm(positions) or float(np.median(steps))
    if steps.max() > settings.volume_gap_steps * spacing_mm:
        return f"a gap of {steps.max():.1f} mm where slices usually lie {spacing_mm:.1f} mm apart"
    extent_mm = float(np.ptp(positions)) + spacing_mm
    if extent_mm < settings.volume_extent_mm:
        return f"slices cover {extent_mm:.0f} mm; a ventricle is longer than {settings.volume_extent_mm:.0f} mm"
    return ""


def usual_spacing_mm(positions_mm: Floats) -> float | None:
    """The step between neighbours that occurs most often; of equals, the wider; None where no two steps agree."""
    steps = np.diff(np.sort(positions_mm))
    near = np.abs(steps[:, None] - steps[None, :]) < _SPACING_CLUSTER_MM
    votes = near.sum(axis=0)
    if not len(steps) or votes.max() < _STEPS_THAT_AGREE:
        return None
    best = max(range(len(steps)), key=lambda index: (int(votes[index]), float(steps[index])))
    return float(np.median(steps[near[best]]))
