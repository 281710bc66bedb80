"""What a network sees of a slice."""

from pydantic import Field

from lvpipe.config.base import Section


class Window(Section):
    """A square of pixels about the middle of the slice's box."""

    side_px: int = Field(112, ge=16, description="Pixels along each side, as the network gets them.")
    box_share: float | None = Field(
        None,
        gt=0,
        description="What they show, as a multiple of the box's side: hearts of all sizes fill it alike. None: pixels "
        "of the view as they are.",
    )
