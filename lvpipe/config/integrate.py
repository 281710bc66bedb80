"""Settings of the stage `integrate`: from areas to millilitres."""

from typing import Any, Literal

from pydantic import Field

from lvpipe.config.base import Section
from lvpipe.config.convert import Completeness


class MendSettings(Section):
    """What is made of implausible areas before they are integrated."""

    hole_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="An area below this share of its two neighbours in time, or of the largest areas on both sides of "
        "it in the stack, is a hole in the heart and is interpolated; 0: never.",
    )
    smooth: bool = Field(
        False, description="Each slice's area becomes the mean of its frame (half), the one before and the one after."
    )


class IntegrateSettings(Section):
    """Rules of integration and of choosing the two frames."""

    rule: Literal["frustum", "trapezoid", "simpson", "disk"] = Field(
        "trapezoid", description="How the areas between two slices become a volume."
    )
    distance: Literal["position", "thickness"] = Field(
        "position",
        description="Distance of slices: their real positions, or the slice thickness of the header (paper 000).",
    )
    end_caps: Literal["none", "half_slab", "zero_area"] = Field(
        "half_slab",
        description="Beyond the first and last slice of the stack: nothing, half a slice distance of the same area, "
        "or a cone to zero one slice distance away.",
    )
    frames: Literal["per_volume", "summed_area", "per_slice", "first_frame"] = Field(
        "per_volume",
        description="ED and ES: extremes of the volume curve, extremes of the smoothed sum of areas, "
        "each slice's own extremes, or the first frame as ED and the smallest summed area as ES.",
    )
    smooth_frames: int = Field(3, ge=1, description="Width of the circular mean over time of `frames: summed_area`.")
    mend: MendSettings = Field(default_factory=MendSettings, description="Holes and noise of areas.")


class GivenSource(Section):
    """Where the estimates of a cohort come from that another tool made: what the job reads, besides its settings."""

    reader: str
    root: str
    table: str
    options: dict[str, Any]
    prefix: str
    complete: Completeness
