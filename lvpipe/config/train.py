"""Settings of the stage `train`: how a network learns."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lvpipe.config.base import Section
from lvpipe.config.loop import LoopSettings

Change = Literal[
    "rotate",
    "turn",
    "scale",
    "mirror_y",
    "mirror_x",
    "shift",
    "bend",
    "equalise",
    "gamma",
    "contrast",
    "brightness",
    "bias",
    "blur",
    "coarse",
    "noise",
]


class Augmentation(Section):
    """Random changes of each training image: how far each may go, and how often it happens.

    Of an image that is turned or mirrored a fair draw decides between all ways, its own among them.
    """

    rotate_degrees: float = Field(30.0, ge=0, le=180, description="Largest rotation, either way.")
    turn_degrees: Literal[0, 90, 180] = Field(0, description="Turned by a multiple of this; 0: not turned.")
    scale_share: float = Field(0.3, ge=0, lt=1, description="Largest relative change of what the window shows.")
    scale_range: tuple[float, float] | None = Field(
        None, description="What the window shows, from this to that many times; in place of `scale_share`."
    )
    mirror_y: bool = Field(True, description="Whether images are turned upside down.")
    mirror_x: bool = Field(False, description="Whether left and right are exchanged.")
    shift_px: float = Field(12.0, ge=0, description="Largest shift along each axis.")
    room_share: float = Field(
        0.0, ge=0, le=1, description="Largest shift beyond that, as a share of the room beside the box."
    )
    room_from: float = Field(
        1.0, gt=0, le=1, description="Side of that box, as a share of the window's: 1 / `window: box_share`."
    )
    bend_px: float = Field(0.0, ge=0, description="Largest shift of a point of a coarse grid: elastic deformation.")
    bend_points: int = Field(5, ge=3, description="Points of that grid along each axis.")
    equalise_clip: float | None = Field(
        None, gt=0, description="Clip limit of an adaptive equalisation in 8 x 8 tiles, as OpenCV counts it; None: off."
    )
    gamma: float = Field(1.5, ge=1, description="Largest exponent of a contrast change; its inverse is the smallest.")
    contrast_share: float = Field(0.0, ge=0, lt=1, description="Largest relative change of the spread about the mean.")
    brightness_share: float = Field(0.0, ge=0, lt=1, description="Largest relative change of brightness as a whole.")
    bias_share: float = Field(0.3, ge=0, lt=1, description="Largest relative change of brightness across the image.")
    blur_px: float = Field(0.0, ge=0, description="Largest standard deviation of a blur.")
    coarse_factor: float = Field(1.0, ge=1, le=8, description="Largest factor of a coarser resolution, there and back.")
    noise_sd: float = Field(0.05, ge=0, description="Largest standard deviation of added noise, image range 0 to 1.")
    share: float = Field(0.5, ge=0, le=1, description="Probability of each change for an image; 0: no change at all.")
    shares: dict[Change, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="Probabilities of single changes, by name, where they differ from `share`."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.scale_range or (1.0, 1.0)
        if not 0 < low <= high:
            raise ValueError(f"scale_range is [{low:g}, {high:g}]; expected 0 < first <= second")
        return self


class VolumeTeaching(Section):
    """How a model with `volumes` learns from them: after `epochs` on masks alone, or from its `start`, in rounds.

    In each round come epochs of both kinds in turn, then epochs of volumes alone; before it the frames of end-diastole
    and end-systole are picked again: the extremes of the volume curve, whatever `integrate: frames` says. A model
    without `masks` has one round of `epochs` on volumes alone.
    """

    by: Literal["areas", "prob"] = Field(
        "areas",
        description="What of a network that draws sums up to the volume: a head of areas of its own, or the "
        "probabilities themselves.",
    )
    loss: Literal["l1", "l2", "crps"] = Field(
        "l1",
        description="Of the volume's error: its size, its square, or the CRPS of the network's own spread (which "
        "without a spread is its size).",
    )
    scale_ml: float = Field(600.0, gt=0, description="What an error is divided by before all else.")
    weight: float = Field(1.0, gt=0, description="Weight of this loss beside that of masks.")
    rounds: int = Field(2, ge=1, description="Rounds; the schedule of the learning rate begins anew in each.")
    both_epochs: int = Field(100, ge=0, description="Epochs of a round in which masks and volumes take turns.")
    volumes_epochs: int = Field(100, ge=0, description="Epochs of a round after these, on volumes alone.")
    pick_epochs: int | None = Field(
        None, ge=1, description="Epochs after which frames are picked again within a round too. None: never."
    )
    turns: Literal["none", "quarters", "mirrors", "drawn"] = Field(
        "quarters",
        description="Each stack is shown in this many ways in an epoch: once, in 4 turns or mirrors, or once in one of "
        "all eight, drawn anew.",
    )
    light: bool = Field(
        False, description="Whether stacks change in light, sharpness and noise, as drawn images do (`augmentation`)."
    )
    areas_weight: float = Field(
        0.0, ge=0, description="How much the areas of drawn slices teach the head of areas, in epochs with masks."
    )
    batch_norm_slices: int = Field(
        8, ge=1, description="Stacks of fewer slices are normalised by what was learnt, not by themselves."
    )

    @model_validator(mode="after")
    def _a_round_is_something(self) -> Self:
        if self.both_epochs + self.volumes_epochs == 0:
            raise ValueError("volumes: both_epochs and volumes_epochs are 0; expected a round to have epochs")
        return self


class TrainSettings(LoopSettings):
    """The training loop."""

    epoch_images: int | None = Field(
        None, ge=1, description="Most images in one epoch, a fresh draw each; None: all of them."
    )
    learn_images: int | None = Field(
        None, ge=1, description="Most images that it learns from at all; a larger number adds others. None: all."
    )
    split_by: Literal["patient", "image"] = Field(
        "patient",
        description="`image`: what is watched, and a tenth that is held out, are images of the very patients that it "
        "learns from, as published trainings have it; results/score/leak tells what that does to the figures.",
    )
    blank_share: float | None = Field(
        None, ge=0, lt=1, description="Share of an epoch's images that show no cavity; None: as they come."
    )
    loss: Literal["dice_ce", "dice_each_ce", "dice", "bce", "focal", "squared"] = Field(
        "dice_ce",
        description="Training loss on logits; `dice` is that of a whole batch, in which blank images have a meaning; "
        "`dice_ce` is `dice` and `bce` together; `dice_each_ce` has the Dice of each image instead, so that small "
        "cavities count as much as large ones (and blank images nearly nothing); `squared` is the sum of squares "
        "over an image's pixels.",
    )
    target_scale: float = Field(
        1.0, gt=0, description="What the cavity counts as in `bce`; 255 is a defect that was published."
    )
    augmentation: Augmentation = Field(default_factory=Augmentation, description="Random changes of training images.")
    volumes: VolumeTeaching = Field(
        default_factory=VolumeTeaching, description="How models with `volumes` learn from reference volumes."
    )

    @model_validator(mode="after")
    def _scaled(self) -> Self:
        if self.target_scale != 1 and self.loss != "bce":
            raise ValueError(f"target_scale is {self.target_scale:g} with the loss {self.loss}; expected 1, or bce")
        return self
