"""What a network sees of a slice."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lvpipe.config.base import Section

Intensities = Literal["standard", "unit", "dimmed"]


class Window(Section):
    """A square of pixels about the middle of the slice's box, or of the whole image."""

    side_px: int = Field(112, ge=16, description="Pixels along each side, as the network gets them.")
    box_share: float | None = Field(
        None,
        gt=0,
        description="What they show, as a multiple of the box's side: hearts of all sizes fill it alike. None: pixels "
        "of the view as they are.",
    )
    side_mm: float | None = Field(
        None,
        gt=0,
        description="What they show, in millimetres: hearts keep their size, and a box that is too large or small "
        "changes nothing. None: as `box_share` has it.",
    )
    about: Literal["box", "image"] = Field(
        "box", description="What its middle is that of: the heart's `box`, or the `image`, wherever the heart is."
    )
    intensities: Intensities = Field(
        "standard",
        description="Of each window's pixels: `standard` to zero mean and unit spread; `unit` to 0..1, as the view has "
        "them; `dimmed` to 0..1/255 (Sinha et al. divide by 255 twice).",
    )
    images: Literal["single", "slice_cycle", "study_draw"] = Field(
        "single",
        description="What an example is: one image; or as many as the network has `channels`: those of one slice in "
        "the order of time, repeated or cut, or a random draw of all images of the study, by slice and time.",
    )
    deltas: bool = Field(
        False, description="Whether images are differences from the mean of their slice over time: what moves."
    )

    @model_validator(mode="after")
    def _of_a_box(self) -> Self:
        if self.about == "image" and self.box_share is not None:
            raise ValueError("box_share with `about: image`; expected one of them: an image's middle has no box")
        if self.side_mm is not None and self.box_share is not None:
            raise ValueError(
                "box_share with side_mm; expected one of them: either the box tells the size or it does not"
            )
        return self
