"""What a network sees of a slice."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section

Intensities = Literal["standard", "unit", "dimmed"]


class Window(Section):
    """A square of pixels about the middle of the slice's box."""

    side_px: int = Field(112, ge=16, description="Pixels along each side, as the network gets them.")
    box_share: float | None = Field(
        None,
        gt=0,
        description="What they show, as a multiple of the box's side: hearts of all sizes fill it alike. None: pixels "
        "of the view as they are.",
    )
    intensities: Intensities = Field(
        "standard",
        description="Of each window's pixels: `standard` to zero mean and unit spread; `unit` to 0..1, as the view has "
        "them; `dimmed` to 0..1/255 (Sinha et al. divide by 255 twice).",
    )
