"""The task of telling EDV and ESV from many images of a study at once; each volume has an error of its own."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.learning.apply import turned
from lvpipe.learning.batches import compute
from lvpipe.learning.channels import as_channels, count_examples, cut_example, fixed_examples, prepare, scale_channels
from lvpipe.learning.legs import Leg, Size, Watched
from lvpipe.turns import WAYS, Turn

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lvpipe.learning.stacks import Stack, Stacks

    Batch = tuple[Tensor, Tensor]

WATCH_DRAWS = 4
"""Draws of a watched study, whose mean is watched: always the same ones, else the watched loss would be noise."""


class _Example(NamedTuple):
    """A study, one of its slices (0 where all are drawn from), and how it is turned."""

    case: str
    which: int
    way: Turn


class TellingVolumes:
    """Studies with their volumes; what is drawn at random of a study is drawn anew in every epoch."""

    score = "1 - volume error"

    def __init__(
        self,
        stacks: "Stacks",
        learn: Sequence[str],
        watch: Sequence[str],
        settings: TrainSettings,
        window: Window,
        channels: int,
    ) -> None:
        self.stacks, self.watch, self.settings, self.window, self.channels = stacks, watch, settings, window, channels
        self.examples: list[_Example] = []
        known: list[tuple[float, float]] = []
        for stack in map(stacks.read, learn):
            self.examples.extend(self._examples(stack))
            known.append(_volumes(stack))
        images = min(len(self.examples), settings.epoch_images or len(self.examples))
        self.size = Size(images, -(-images // settings.batch_images))
        self.random = torch.Generator().manual_seed(settings.seed)
        self._shown: Sequence[_Example] = ()
        self.mean_ml: tuple[float, float] = tuple(np.mean(known, axis=0).tolist())

    @property
    def legs(self) -> list[Leg]:
        """One, of equal epochs."""
        return [[self.size] * self.settings.epochs]

    def prepare(self, network: "nn.Module", epoch: int) -> None:
        """Nothing is to be settled before an epoch."""

    def state(self) -> dict[str, Any]:
        """Nothing is kept from epoch to epoch."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state."""

    def whose(self) -> list[str]:
        """The cases of the latest batch."""
        return sorted({example.case for example in self._shown})

    def start(self, network: "nn.Module") -> None:
        """Let the volumes of a fresh network start at the means of those to learn from."""
        network.start_at(*self.mean_ml)  # type: ignore[operator]  # networks that tell volumes have it

    def batches(self, order: np.random.Generator) -> "Iterator[Batch]":
        """The examples of one epoch, in the order of a fresh draw."""
        chosen = order.permutation(len(self.examples))[: self.size.images]
        random = np.random.default_rng(order.integers(2**63))  # of its own: batches are cut as they are wanted
        for part in np.array_split(chosen, self.size.steps):
            self._shown = [self.examples[i] for i in part]
            yield self._fetch(self._shown, random)

    def loss(self, network: "nn.Module", batch: "Batch") -> "Tensor":
        """The root of the batch's mean squared error in mL, of EDV and of ESV, added."""
        examples, volumes = batch
        return _roots(self._apply(network, examples), volumes.to(self.settings.device)).sum()

    def evaluate(self, network: "nn.Module") -> Watched:
        """The same over watched studies, each the mean of its examples; and 1 less the mean relative error."""
        stacks = [self.stacks.read(case) for case in self.watch]
        told = torch.stack([self._tell(network, stack) for stack in stacks])
        volumes = torch.tensor([_volumes(stack) for stack in stacks])
        errors_ml = (told - volumes).abs()
        loss, wrong = _roots(told, volumes).sum(), (errors_ml / volumes).mean()
        return Watched(float(loss), float(1 - wrong), float(errors_ml.mean()))

    def _tell(self, network: "nn.Module", stack: "Stack") -> "Tensor":
        """EDV and ESV of a study."""
        cut = fixed_examples(
            stack.case, stack.windows_tzyx, self.window, self.channels, WATCH_DRAWS, self.settings.seed
        )
        parts = torch.split(as_channels(cut), self.settings.batch_images)
        return torch.cat([self._apply(network, part).cpu() for part in parts]).mean(dim=0)

    def _examples(self, stack: "Stack") -> Iterator[_Example]:
        for which in range(count_examples(len(stack.positions_mm), self.window, draws=1)):
            yield from (_Example(stack.case, which, way) for way in WAYS[self.settings.volumes.turns])

    def _fetch(self, examples: Sequence[_Example], random: np.random.Generator) -> "Batch":
        stacks = [self.stacks.read(example.case) for example in examples]
        cut = [self._cut(stack, example, random) for stack, example in zip(stacks, examples, strict=True)]
        return torch.stack(cut), torch.tensor([_volumes(stack) for stack in stacks])

    def _cut(self, stack: "Stack", example: _Example, random: np.random.Generator) -> "Tensor":
        prepared = prepare(stack.windows_tzyx, self.window)
        images: NDArray[np.uint8] = cut_example(prepared, self.window, self.channels, example.which, random)
        return turned(as_channels(images[None]), example.way)[0]

    def _apply(self, network: "nn.Module", examples: "Tensor") -> "Tensor":
        """EDV and ESV of examples `(n, c, y, x)` in 0..1."""
        ready = scale_channels(examples.to(self.settings.device), self.window.intensities)
        return compute(network, ready, self.settings.precision)


def _volumes(stack: "Stack") -> tuple[float, float]:
    return stack.edv_ml, stack.esv_ml


def _roots(told: "Tensor", volumes: "Tensor") -> "Tensor":
    """The root of the mean squared error of each column."""
    lengths: Tensor = torch.linalg.vector_norm(told - volumes, dim=0)
    return lengths / math.sqrt(len(told))
