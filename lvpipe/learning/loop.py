"""The one training loop: seeded, early stopping on patients of its own, best weights kept, resumed where it stopped.

What is learnt is a `Task` (lvpipe/learning/task.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import takewhile
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lvpipe.config.loop import LoopSettings
from lvpipe.errors import UserError
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.gradients import GradientNorms
from lvpipe.learning.legs import Course, Watched
from lvpipe.learning.optimising import make_average, make_optimiser, make_schedule
from lvpipe.learning.progress import Progress
from lvpipe.learning.task import Task

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv. It holds no seconds: the same training has the same history."""

    epoch: int
    learning_rate: float
    train_loss: float
    watch_loss: float
    watch_score: float
    best: bool
    watch_error_ml: float | None = None
    """Mean absolute error of the watched volumes; None where none are taught."""


class Diverged(UserError):
    """A loss is no number, or its gradient: those of a batch, or the loss of what is watched in all epochs.

    How each epoch went, nevertheless, and the best weights of those before, if any were good.
    """

    def __init__(self, message: str, history: "list[Epoch]", kept: "Mapping[str, Tensor]") -> None:
        super().__init__(message)
        self.history, self.kept = history, kept


HISTORY = tuple(field.name for field in fields(Epoch))
"""Columns of history.csv."""


def train(
    network: "nn.Module", task: Task, settings: LoopSettings, checkpoint: Checkpoint
) -> "tuple[list[Epoch], Mapping[str, Tensor]]":
    """Train in place; return the history and the weights of the best epoch, or of the last finite one.

    A training that finds its checkpoint ends in the same bytes as one that was never interrupted.

    Raises:
        Diverged: the loss or gradient of a batch is no number, or the loss of what is watched in all epochs.
    """
    loop = _Loop(network, task, settings)
    loop.resume(checkpoint)
    while loop.goes_on():
        loop.begin()
        rate, train_loss = loop.rate(), loop.run_epoch()
        loop.note(rate, train_loss, Watched(*loop.evaluate()))
        loop.tell()
        if isfinite(loop.history[-1].watch_loss):  # else the last good state stays
            checkpoint.save(loop.state)
    if not loop.settled:
        since = f"from epoch {loop.begun + 1} on" if loop.begun else f"in all {len(loop.history)} epochs"
        raise Diverged(
            f"training diverged: the watched loss was {loop.history[-1].watch_loss} {since}; lower its "
            f"`learning_rate`, now {settings.learning_rate}",
            loop.history,
            loop.kept,
        )
    return loop.history, loop.kept


class _Loop:
    """Network, optimiser, schedule and random state of one training, its history and its best weights."""

    def __init__(self, network: "nn.Module", task: Task, settings: LoopSettings) -> None:
        self.network: nn.Module = network.to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
        self.task = task
        self.settings = settings
        self.course = Course(task.legs)
        self._enter(0)
        self.average = make_average(self.network, settings)
        self.random = np.random.default_rng(settings.seed)
        self.progress = Progress(self.course.epochs, task.score)
        self.gradients = GradientNorms(self.network) if settings.log_gradients else None
        self.history: list[Epoch] = []
        self.kept: Mapping[str, Tensor] = {}

    def _enter(self, epoch: int) -> None:
        """Optimiser and learning rate of this epoch's leg."""
        _, leg = self.course.leg(epoch)
        self.optimiser = make_optimiser(self.network, self.settings)
        self.schedule = make_schedule(self.optimiser, [size.steps for size in leg], self.settings)

    def state(self) -> dict[str, Any]:
        """All that the coming epochs depend on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict() if self.average else {},
            "order": json.dumps(self.random.bit_generator.state),
            "task": self.task.random.get_state(),
            "settled": self.task.state(),
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
        self.history = [Epoch(**row) for row in state["history"]]
        self._enter(len(self.history) - 1)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.random.bit_generator.state = json.loads(state["order"])
        self.task.random.set_state(state["task"])
        self.task.restore(state["settled"])
        torch.set_rng_state(state["torch"])
        torch.cuda.set_rng_state_all(state["cuda"])
        self.kept = state["kept"]
        print(f"going on after epoch {len(self.history)} of {self.course.epochs}", flush=True)

    @property
    def judged(self) -> "nn.Module":
        """The network that is watched and kept: the running mean, where there is one."""
        return self.network if self.average is None else self.average.module

    def rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    @property
    def begun(self) -> int:
        """The first epoch of the latest leg, counted from 0."""
        return self.course.leg(len(self.history) - 1)[0]

    @property
    def settled(self) -> bool:
        """Whether any watched loss of that leg is a number."""
        return any(isfinite(row.watch_loss) for row in self.history[self.begun :])

    def goes_on(self) -> bool:
        """Whether another epoch comes: patience ends the last leg alone, those before it lead to it."""
        done = len(self.history)
        start, _ = self.course.leg(max(done - 1, 0))
        waiting = self.course.ends_with(done - 1) and _waited(self.history[start:]) >= self.settings.patience
        return done < self.course.epochs and not waiting

    def begin(self) -> None:
        """What comes before an epoch."""
        epoch = len(self.history)
        if epoch and self.course.starts(epoch):
            self._enter(epoch)
        self.judged.eval()
        with torch.inference_mode():
            self.task.prepare(self.judged, epoch)

    def run_epoch(self) -> float:
        self.network.train()
        size = self.course.size(len(self.history))
        batches = self.progress.follow(self.task.batches(self.random), len(self.history) + 1, *size)
        return float(np.mean([self._step(batch, number) for number, batch in enumerate(batches, start=1)]))

    def evaluate(self) -> Watched:
        self.judged.eval()
        with torch.inference_mode():
            return self.task.evaluate(self.judged)

    def note(self, rate: float, train_loss: float, watched: Watched) -> None:
        """Add an epoch to the history; keep its weights if it is the best of its leg so far, or the last is wanted."""
        loss, score, error_ml = watched
        row = Epoch(len(self.history) + 1, rate, train_loss, loss, score, best=False, watch_error_ml=error_ml)
        row = replace(row, best=self._is_better(row))
        if isfinite(loss) and (row.best or self.settings.keep == "last"):
            self.kept = {name: tensor.to("cpu", copy=True) for name, tensor in self.judged.state_dict().items()}
        self.history.append(row)

    def tell(self) -> None:
        """What the log says of the latest epoch."""
        self.progress.tell(self.history[-1])
        if self.gradients:
            self.gradients.tell()

    def _is_better(self, row: Epoch) -> bool:
        start, _ = self.course.leg(row.epoch - 1)
        goods = [self._goodness(other) for other in self.history[start:] if other.best]
        return isfinite(row.watch_loss) and self._goodness(row) > max(goods, default=-inf) + self.settings.min_delta

    def _goodness(self, row: Epoch) -> float:
        return row.watch_score if self.settings.watch == "score" else -row.watch_loss

    def _step(self, batch: Any, number: int) -> float:
        loss: Any = self.task.loss(self.network, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        value = float(loss.detach())
        if not isfinite(value):
            raise self._diverged("loss", value, value, number)
        if self.gradients:
            self.gradients.add()
        norm = float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm or inf))
        if not isfinite(norm):
            raise self._diverged("norm of the gradient", norm, value, number)
        self.optimiser.step()
        self.schedule.step()
        if self.average:
            self.average.update_parameters(self.network)
        return value

    def _diverged(self, what: str, found: float, loss: float, number: int) -> Diverged:
        epoch, cases = len(self.history) + 1, ", ".join(self.task.whose())
        return Diverged(
            f"training diverged: the {what} is {found} in epoch {epoch}, batch {number}"
            f"{f', of the cases {cases}' if cases else ''}; lower its `learning_rate`, now "
            f"{self.settings.learning_rate}, or look at these images",
            [*self.history, Epoch(epoch, self.rate(), loss, nan, nan, best=False)],
            self.kept,
        )


def _waited(history: Sequence[Epoch]) -> int:
    """Epochs since the best one."""
    return len(list(takewhile(lambda row: not row.best, reversed(history))))
