"""Settings of the stage `train`: how a network learns."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section
from lvpipe.config.network_job import NetworkJob


class Augmentation(Section):
    """Random changes of each training image; a share of 0 switches one off."""

    rotate_degrees: float = Field(30.0, ge=0, le=180, description="Largest rotation, either way.")
    scale_share: float = Field(0.3, ge=0, lt=1, description="Largest relative change of size.")
    shift_px: float = Field(12.0, ge=0, description="Largest shift along each axis.")
    gamma: float = Field(1.5, ge=1, description="Largest exponent of a contrast change; its inverse is the smallest.")
    noise_sd: float = Field(0.05, ge=0, description="Largest standard deviation of added noise, image range 0 to 1.")
    bias_share: float = Field(0.3, ge=0, lt=1, description="Largest relative change of brightness across the image.")
    share: float = Field(0.5, ge=0, le=1, description="Probability of each change for an image.")


class TrainSettings(NetworkJob):
    """The training loop."""

    seed: int = Field(1, ge=0, description="Seed of the weights, the order of images and the augmentation.")
    epochs: int = Field(40, ge=1, description="Most passes over the training images.")
    epoch_images: int | None = Field(
        None, ge=1, description="Most images in one epoch, a fresh draw each; None: all of them."
    )
    patience: int = Field(10, ge=1, description="Epochs without a better monitored loss after which training stops.")
    batch_images: int = Field(8, ge=1, description="Images in a step.")
    learning_rate: float = Field(6e-3, gt=0, description="Peak learning rate of AdamW; it follows one cosine to zero.")
    weight_decay: float = Field(1e-4, ge=0, description="Weight decay of AdamW.")
    loss: Literal["dice_ce", "bce"] = Field("dice_ce", description="Training loss on logits.")
    inner_share: float = Field(
        0.15, gt=0, lt=0.5, description="Share of the training patients that only watch for early stopping."
    )
    augmentation: Augmentation = Field(default_factory=Augmentation, description="Random changes of training images.")
