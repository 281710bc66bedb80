"""Settings of the stage `resample`: what the networks see."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lvpipe.config.base import PathName, Section


class Clahe(Section):
    """Contrast-limited adaptive histogram equalisation (scikit-image)."""

    clip_limit: float = Field(
        2.0,
        gt=0,
        description="Clip limit as OpenCV counts it: multiples of the mean bin height (OpenCV's default: 40).",
    )
    tiles: int = Field(8, ge=1, description="Tiles along each axis.")


class View(Section):
    """One way of preparing a cine; models choose one by name."""

    grid: Literal["millimetres", "pixels"] = Field(
        "millimetres",
        description="`millimetres`: resampled in plane to `spacing_mm`. "
        "`pixels`: padded or cropped to `pixels_size`, then shrunk by `pixels_shrink` (the papers' raw arm).",
    )
    pixels_size: int = Field(256, ge=16, description="Side of the square that `grid: pixels` pads or crops to.")
    pixels_shrink: int = Field(2, ge=1, description="Factor by which `grid: pixels` averages neighbouring pixels.")
    clip_percent: tuple[float, float] = Field(
        (0.0, 100.0), description="Percentiles of each slice's cine between which intensities are kept."
    )
    clahe: Clahe | None = Field(None, description="Adaptive contrast on each image; null leaves it out.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.clip_percent
        if not 0 <= low < high <= 100:
            raise ValueError(f"clip_percent is [{low:g}, {high:g}]; expected 0 <= first < second <= 100")
        if self.pixels_shrink > self.pixels_size:
            raise ValueError(f"pixels_shrink is {self.pixels_shrink}, more than pixels_size, {self.pixels_size}")
        return self


class ResampleSettings(Section):
    """The views and the grid that they share."""

    spacing_mm: float = Field(1.0, gt=0.2, le=5, description="Pixel side of `grid: millimetres`, in plane.")
    views: dict[PathName, View] = Field(
        description="Prepared versions of every cine, by name; only those that a model names are made."
    )

    def prepared(self, name: str) -> "PreparedView":
        """All that the job of one view needs, so that another view's change does not concern it."""
        return PreparedView(spacing_mm=self.spacing_mm, **self.views[name].model_dump())


class PreparedView(View):
    """A view with the grid that it stands on."""

    spacing_mm: float
