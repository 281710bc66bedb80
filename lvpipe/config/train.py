"""Settings of the stage `train`: how a network learns."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section
from lvpipe.config.loop import LoopSettings


class Augmentation(Section):
    """Random changes of each training image; a share of 0 switches one off."""

    rotate_degrees: float = Field(30.0, ge=0, le=180, description="Largest rotation, either way.")
    scale_share: float = Field(0.3, ge=0, lt=1, description="Largest relative change of size.")
    shift_px: float = Field(12.0, ge=0, description="Largest shift along each axis.")
    gamma: float = Field(1.5, ge=1, description="Largest exponent of a contrast change; its inverse is the smallest.")
    noise_sd: float = Field(0.05, ge=0, description="Largest standard deviation of added noise, image range 0 to 1.")
    bias_share: float = Field(0.3, ge=0, lt=1, description="Largest relative change of brightness across the image.")
    share: float = Field(0.5, ge=0, le=1, description="Probability of each change for an image.")


class TrainSettings(LoopSettings):
    """The training loop."""

    epoch_images: int | None = Field(
        None, ge=1, description="Most images in one epoch, a fresh draw each; None: all of them."
    )
    loss: Literal["dice_ce", "bce"] = Field("dice_ce", description="Training loss on logits.")
    augmentation: Augmentation = Field(default_factory=Augmentation, description="Random changes of training images.")
