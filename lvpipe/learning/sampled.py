"""What the tasks of all networks share: batches drawn from many examples, and how well a network does on others."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sized
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.loop import LoopSettings
from lvpipe.learning.batches import compute, standardise
from lvpipe.learning.legs import Leg, Size, Watched
from lvpipe.learning.store import Samples

if TYPE_CHECKING:
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]

Many = TypeVar("Many", bound=Sized)
"""Examples of one kind."""

_WATCH_BATCHES = 4
"""Training batches that are watched at once: without gradients they need less memory than one that is learnt from."""


class Judged(NamedTuple):
    """A batch's mean loss, and how much of it is good: so much of so much."""

    loss: float
    good: int
    of: int


class SampledTask(ABC, Generic[Many]):
    """A task whose examples have numbers; what they are and what counts as an error is told by its kinds."""

    score: str

    def __init__(self, learn: Many, watch: Many, settings: LoopSettings, epoch_images: int | None = None) -> None:
        self.learn, self.watch, self.settings = learn, watch, settings
        self.images = min(len(learn), epoch_images or len(learn))
        self.random = torch.Generator().manual_seed(settings.seed)
        self.shown = np.empty(0, np.intp)

    @property
    def legs(self) -> list[Leg]:
        """One, of equal epochs."""
        return [[self.size] * self.settings.epochs]

    @property
    def size(self) -> Size:
        """What an epoch has of images and steps."""
        return Size(self.images, -(-self.images // self.settings.batch_images))

    def prepare(self, network: "nn.Module", epoch: int) -> None:
        """Nothing is to be settled before an epoch."""

    def state(self) -> dict[str, Any]:
        """Nothing but `random` changes from epoch to epoch."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state."""

    def whose(self) -> list[str]:
        """The cases of the latest batch, where the examples know theirs."""
        return sorted({self.learn.owners()[i] for i in self.shown}) if isinstance(self.learn, Samples) else []

    def batches(self, order: np.random.Generator) -> "Iterator[Batch]":
        """The examples of one epoch, in the order of a fresh draw."""
        for part in np.array_split(self.draw(order), self.size.steps):
            self.shown = part
            yield self.fetch(self.learn, part)

    def draw(self, order: np.random.Generator) -> NDArray[np.intp]:
        """The numbers of the examples of one epoch."""
        return order.permutation(len(self.learn))[: self.images]

    def evaluate(self, network: "nn.Module") -> Watched:
        """Mean loss over the examples, and the share that is good; memory holds a few batches."""
        loss, good, of, n = 0.0, 0, 0, len(self.watch)
        chunk = _WATCH_BATCHES * self.settings.batch_images
        for start in range(0, n, chunk):
            places = np.arange(start, min(start + chunk, n))
            found = self.judge(network, self.fetch(self.watch, places))
            loss, good, of = loss + found.loss * len(places), good + found.good, of + found.of
        return Watched(loss / n, good / max(of, 1))

    @abstractmethod
    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The loss of one batch."""

    @abstractmethod
    def fetch(self, examples: Many, chosen: NDArray[np.intp]) -> "Batch":
        """Images and what is wanted of them."""

    @abstractmethod
    def judge(self, network: "nn.Module", batch: "Batch") -> Judged:
        """How well the network does on a batch as it is."""

    def apply(self, network: "nn.Module", images: "Tensor") -> "Tensor":
        """What the network says of images, on its device."""
        return compute(network, self.standardise(images.to(self.settings.device)), self.settings.precision)

    def standardise(self, images: "Tensor") -> "Tensor":
        """Images made ready for the network."""
        return standardise(images)
