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
    refine: Literal["ring", "none"] = Field(
        "ring",
        description="`ring`: the centre moves to the nearest bright disk in a dark ring; what moves most is often the "
        "right ventricle. `none`: it stays (paper 000).",
    )
    reach_px: int = Field(70, ge=1, description="How far, along each axis, `refine` may move a centre.")
    per: Literal["slice", "study"] = Field(
        "study", description="One centre for each slice, or the median centre of the study for all its slices."
    )
