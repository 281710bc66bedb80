"""Settings that every training shares: how long it learns, how fast, and who only watches."""

from typing import Annotated, Literal

from pydantic import Field

from lvpipe.config.network_job import NetworkJob

Epochs = Annotated[int, Field(ge=1, description="Most passes over the training images.")]
Patience = Annotated[int, Field(ge=1, description="Epochs without a better monitored loss after which training stops.")]
BatchImages = Annotated[int, Field(ge=1, description="Images in a step.")]
LearningRate = Annotated[
    float, Field(gt=0, description="Highest learning rate of the optimiser; `schedule` says how it changes.")
]
WeightDecay = Annotated[float, Field(ge=0, description="Weight decay of the optimiser.")]
Optimiser = Annotated[
    Literal["adamw", "adam", "sgd", "nesterov"],
    Field(description="`sgd` is gradient descent with momentum, `nesterov` its variant that looks ahead."),
]
Schedule = Annotated[
    Literal["one_cycle", "constant", "steps", "poly"],
    Field(
        description="Learning rate over the steps: `one_cycle` rises for a tenth of them and falls along a cosine; "
        "`steps` falls at once every `drop_epochs`; `poly` falls to zero, nearly straight."
    ),
]


class LoopSettings(NetworkJob):
    """The training loop; each network that learns gives the defaults that fit it."""

    seed: int = Field(1, ge=0, description="Seed of the weights, the order of images and the augmentation.")
    epochs: Epochs = 40
    patience: Patience = 10
    batch_images: BatchImages = 8
    optimiser: Optimiser = "adamw"
    learning_rate: LearningRate = 6e-3
    momentum: float = Field(0.9, gt=0, lt=1, description="Momentum of `sgd` and `nesterov`.")
    weight_decay: WeightDecay = 1e-4
    epsilon: float = Field(1e-8, gt=0, description="What `adam` and `adamw` add below the fraction; Keras has 1e-7.")
    schedule: Schedule = "one_cycle"
    drop_epochs: int = Field(70, ge=1, description="Epochs between two drops of the schedule `steps`.")
    drop_factor: float = Field(0.1, gt=0, lt=1, description="What is left of the learning rate after each drop.")
    clip_norm: float | None = Field(
        1.0,
        gt=0,
        description="Largest norm of a step's gradient; larger ones come from batches of blank slices. None: any.",
    )
    average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of the running mean of the weights that stays at each step; the mean is watched and kept. "
        "None: the weights themselves.",
    )
    watch: Literal["loss", "score"] = Field(
        "loss", description="What says which epoch is best: the lowest watched `loss`, or the highest `score`."
    )
    min_delta: float = Field(0.0, ge=0, description="An epoch is better only by more than this.")
    keep: Literal["best", "last"] = Field("best", description="The weights of which epoch are kept.")
    log_gradients: bool = Field(
        False, description="Whether the log tells, after each epoch, the mean norm of each layer's gradient."
    )
    inner_share: float = Field(
        0.15, gt=0, lt=0.5, description="Share of the training patients that only watch for early stopping."
    )
