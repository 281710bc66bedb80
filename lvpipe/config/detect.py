"""Settings of the stage `detect`: where the heart is."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section


class DetectSettings(Section):
    """One square box per slice, in pixels of the view."""

    method: Literal["mean_deltas", "centre"] = Field(
        "mean_deltas",
        description="`mean_deltas`: bands of the strongest mean change over time. `centre`: the middle of the image.",
    )
    side_px: int = Field(128, ge=16, description="Side of every box, in pixels of the view.")
    band_px: int = Field(60, ge=1, description="Width of the bands over which change is averaged.")
    per: Literal["slice", "study"] = Field(
        "study", description="One centre for each slice, or the median centre of the study for all its slices."
    )
