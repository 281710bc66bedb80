"""What the training loop is told to teach. Segmenting.py is one such task, and sampled.py what most of them share."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from lvpipe.learning.legs import Leg, Watched

if TYPE_CHECKING:
    from torch import Tensor, nn


class Task(Protocol):
    """What a network learns: examples in batches, what counts as an error, and how well it does on what is watched."""

    score: str
    """What the watched score is called in the log; higher is better."""

    random: torch.Generator
    """The source of all that is random in a task's loss, such as augmentation."""

    @property
    def legs(self) -> Sequence[Leg]:
        """The epochs of the whole training; most tasks have one leg."""

    def prepare(self, network: "nn.Module", epoch: int) -> None:
        """Settle what must be before this epoch, counted from 0; the network is set to evaluation."""

    def batches(self, order: np.random.Generator) -> Iterator[Any]:
        """The batches of this epoch, in the order of a fresh draw."""

    def loss(self, network: "nn.Module", batch: Any) -> "Tensor":
        """The loss of one batch, on the network's device."""

    def whose(self) -> Sequence[str]:
        """The cases of the latest batch, where they are known."""

    def evaluate(self, network: "nn.Module") -> Watched:
        """How well it does on what is watched; the network is set to evaluation, and no gradient is kept."""

    def state(self) -> dict[str, Any]:
        """What else the coming epochs depend on, beside `random`."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take such a state."""
