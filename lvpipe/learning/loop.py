"""The one training loop: seeded, early stopping on patients of its own, best weights kept, resumed where it stopped.

What is learnt is a `Task`; lvpipe/learning/segmenting.py is one, and sampled.py what they share.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import takewhile
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from lvpipe.config.loop import LoopSettings
from lvpipe.errors import UserError
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.optimising import make_average, make_optimiser, make_schedule
from lvpipe.learning.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn


class Task(Protocol):
    """What a network learns: examples in batches, what counts as an error, and how well it does on what is watched."""

    score: str
    """What the watched score is called in the log; higher is better."""

    images: int
    """Examples of an epoch; they come in batches of the settings' `batch_images` at most, of nearly equal size."""

    random: torch.Generator
    """The source of all that is random in a task's loss, such as augmentation."""

    def batches(self, order: np.random.Generator) -> Iterator[Any]:
        """The batches of one epoch, in the order of a fresh draw."""

    def loss(self, network: "nn.Module", batch: Any) -> "Tensor":
        """The loss of one batch, on the network's device."""

    def evaluate(self, network: "nn.Module") -> tuple[float, float]:
        """Loss and score on what is watched; the network is set to evaluation, and no gradient is kept."""


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv. It holds no seconds: the same training has the same history."""

    epoch: int
    learning_rate: float
    train_loss: float
    watch_loss: float
    watch_score: float
    best: bool


class Diverged(UserError):
    """No epoch had a finite loss; how each went, nevertheless."""

    def __init__(self, message: str, history: list[Epoch]) -> None:
        super().__init__(message)
        self.history = history


HISTORY = tuple(field.name for field in fields(Epoch))
"""Columns of history.csv."""


def train(
    network: "nn.Module", task: Task, settings: LoopSettings, checkpoint: Checkpoint
) -> "tuple[list[Epoch], Mapping[str, Tensor]]":
    """Train in place; return the history and the weights of the best epoch, or of the last finite one.

    A training that finds its checkpoint ends in the same bytes as one that was never interrupted.

    Raises:
        Diverged: no epoch had a finite loss.
    """
    loop = _Loop(network, task, settings)
    loop.resume(checkpoint)
    while len(loop.history) < settings.epochs and _waited(loop.history) < settings.patience:
        rate, train_loss = loop.rate(), loop.run_epoch()
        loop.note(rate, train_loss, *loop.evaluate())
        loop.progress.tell(loop.history[-1])
        checkpoint.save(loop.state)
    if not loop.kept:
        raise Diverged(
            f"training diverged: the watched loss was {loop.history[-1].watch_loss} in all {len(loop.history)} epochs; "
            f"lower its `learning_rate`, now {settings.learning_rate}",
            loop.history,
        )
    return loop.history, loop.kept


class _Loop:
    """Network, optimiser, schedule and random state of one training, its history and its best weights."""

    def __init__(self, network: "nn.Module", task: Task, settings: LoopSettings) -> None:
        self.network: nn.Module = network.to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
        self.task = task
        self.settings = settings
        self.steps = -(-task.images // settings.batch_images)
        self.optimiser = make_optimiser(network, settings)
        self.schedule = make_schedule(self.optimiser, self.steps, settings)
        self.average = make_average(self.network, settings)
        self.random = np.random.default_rng(settings.seed)
        self.progress = Progress(task.images, self.steps, settings.epochs, task.score)
        self.history: list[Epoch] = []
        self.kept: Mapping[str, Tensor] = {}

    def state(self) -> dict[str, Any]:
        """All that the coming epochs depend on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict() if self.average else {},
            "order": json.dumps(self.random.bit_generator.state),
            "task": self.task.random.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if self.settings.device == "cuda" else [],
            "history": [asdict(row) for row in self.history],
            "kept": self.kept,
        }

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take the state of the checkpoint, if there is one."""
        state = checkpoint.read()
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.random.bit_generator.state = json.loads(state["order"])
        self.task.random.set_state(state["task"])
        torch.set_rng_state(state["torch"])
        torch.cuda.set_rng_state_all(state["cuda"])
        self.history = [Epoch(**row) for row in state["history"]]
        self.kept = state["kept"]
        print(f"going on after epoch {len(self.history)} of {self.settings.epochs}", flush=True)

    @property
    def judged(self) -> "nn.Module":
        """The network that is watched and kept: the running mean, where there is one."""
        return self.network if self.average is None else self.average.module

    def rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    def run_epoch(self) -> float:
        self.network.train()
        batches = self.progress.follow(self.task.batches(self.random), len(self.history) + 1)
        return float(np.mean([self._step(batch) for batch in batches]))

    def evaluate(self) -> tuple[float, float]:
        self.judged.eval()
        with torch.inference_mode():
            return self.task.evaluate(self.judged)

    def note(self, rate: float, train_loss: float, watch_loss: float, watch_score: float) -> None:
        """Add an epoch to the history; keep its weights if it is the best so far, or the last is wanted."""
        row = Epoch(len(self.history) + 1, rate, train_loss, watch_loss, watch_score, best=False)
        row = replace(row, best=self._is_better(row))
        if isfinite(watch_loss) and (row.best or self.settings.keep == "last"):
            self.kept = {name: tensor.to("cpu", copy=True) for name, tensor in self.judged.state_dict().items()}
        self.history.append(row)

    def _is_better(self, row: Epoch) -> bool:
        goods = [self._goodness(other) for other in self.history if other.best]
        return isfinite(row.watch_loss) and self._goodness(row) > max(goods, default=-inf) + self.settings.min_delta

    def _goodness(self, row: Epoch) -> float:
        return row.watch_score if self.settings.watch == "score" else -row.watch_loss

    def _step(self, batch: Any) -> float:
        loss: Any = self.task.loss(self.network, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.settings.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        self.optimiser.step()
        self.schedule.step()
        if self.average:
            self.average.update_parameters(self.network)
        return float(loss.detach())


def _waited(history: Sequence[Epoch]) -> int:
    """Epochs since the best one."""
    return len(list(takewhile(lambda row: not row.best, reversed(history))))
