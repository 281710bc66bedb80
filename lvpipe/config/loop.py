"""Settings that every training shares: how long it learns, how fast, and who only watches."""

from typing import Annotated, Literal

from pydantic import Field

from lvpipe.config.network_job import NetworkJob

Epochs = Annotated[int, Field(ge=1, description="Most passes over the training images.")]
Patience = Annotated[int, Field(ge=1, description="Epochs without a better monitored loss after which training stops.")]
BatchImages = Annotated[int, Field(ge=1, description="Images in a step.")]
LearningRate = Annotated[
    float, Field(gt=0, description="Peak learning rate of the optimiser; it follows one cosine to zero.")
]
WeightDecay = Annotated[float, Field(ge=0, description="Weight decay of the optimiser.")]
Optimiser = Annotated[
    Literal["adamw", "sgd"], Field(description="`adamw`, or `sgd`: gradient descent with a momentum of 0.9.")
]


class LoopSettings(NetworkJob):
    """The training loop; each network that learns gives the defaults that fit it."""

    seed: int = Field(1, ge=0, description="Seed of the weights, the order of images and the augmentation.")
    epochs: Epochs = 40
    patience: Patience = 10
    batch_images: BatchImages = 8
    optimiser: Optimiser = "adamw"
    learning_rate: LearningRate = 6e-3
    weight_decay: WeightDecay = 1e-4
    inner_share: float = Field(
        0.15, gt=0, lt=0.5, description="Share of the training patients that only watch for early stopping."
    )
