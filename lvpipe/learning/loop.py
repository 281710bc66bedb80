"""The one training loop: seeded, early stopping on patients of its own, best weights kept, resumed where it stopped."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.losses import DiceCELoss
from numpy.typing import NDArray

from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.batches import as_batch, compute_logits
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.store import Samples

if TYPE_CHECKING:
    from torch import Tensor, nn

_WARM_UP_SHARE = 0.1
_WARM_UP_STEPS = 2
"""Fewest steps in which the learning rate rises: OneCycleLR divides by one less than their number."""

_CLIP_NORM = 1.0
"""Largest norm of a step's gradient; larger ones come from batches of nothing but blank slices."""

_WATCH_BATCHES = 4
"""Training batches that are watched at once: without gradients they need less memory than one that is learnt from."""


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv. It holds no seconds: the same training has the same history."""

    epoch: int
    learning_rate: float
    train_loss: float
    watch_loss: float
    watch_dice: float
    best: bool


def train(
    network: "nn.Module", learn: Samples, watch: Samples, settings: TrainSettings, checkpoint: Checkpoint
) -> "tuple[list[Epoch], Mapping[str, Tensor]]":
    """Train in place; return the history and the weights of the epoch with the lowest watched loss.

    A training that finds its checkpoint ends in the same bytes as one that was never interrupted.

    Raises:
        UserError: no epoch had a finite loss.
    """
    loop = _Loop(network, learn, settings)
    loop.resume(checkpoint)
    while len(loop.history) < settings.epochs and _waited(loop.history) < settings.patience:
        started_s = time.perf_counter()
        rate, train_loss = loop.rate(), loop.run_epoch()
        images_per_s = loop.images / (time.perf_counter() - started_s)
        loop.note(rate, train_loss, *loop.evaluate(watch))
        _tell(loop.history[-1], settings.epochs, images_per_s)
        checkpoint.save(loop.state)
    if not loop.best:
        raise UserError(
            f"training diverged: the watched loss was {loop.history[-1].watch_loss} in all {len(loop.history)} epochs; "
            f"lower `train: learning_rate`, now {settings.learning_rate}"
        )
    return loop.history, loop.best


class _Loop:
    """Network, optimiser, schedule and random state of one training, its history and its best weights."""

    def __init__(self, network: "nn.Module", learn: Samples, settings: TrainSettings) -> None:
        self.network: nn.Module = network.to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
        self.learn = learn
        self.settings = settings
        self.images = min(len(learn), settings.epoch_images or len(learn))
        self.steps = -(-self.images // settings.batch_images)
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        total = max(_WARM_UP_STEPS + 1, self.steps * settings.epochs)
        warm_up = max(_WARM_UP_SHARE, _WARM_UP_STEPS / total)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, settings.learning_rate, total_steps=total, pct_start=warm_up
        )
        self.loss = _loss(settings.loss)
        self.augment = Augmenter(settings.augmentation, settings.seed)
        self.random = np.random.default_rng(settings.seed)
        self.history: list[Epoch] = []
        self.best: Mapping[str, Tensor] = {}

    def state(self) -> dict[str, Any]:
        """All that the coming epochs depend on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "order": json.dumps(self.random.bit_generator.state),
            "augmentation": self.augment.random.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if self.settings.device == "cuda" else [],
            "history": [asdict(row) for row in self.history],
            "best": self.best,
        }

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take the state of the checkpoint, if there is one."""
        state = checkpoint.read()
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.random.bit_generator.state = json.loads(state["order"])
        self.augment.random.set_state(state["augmentation"])
        torch.set_rng_state(state["torch"])
        torch.cuda.set_rng_state_all(state["cuda"])
        self.history = [Epoch(**row) for row in state["history"]]
        self.best = state["best"]
        print(f"going on after epoch {len(self.history)} of {self.settings.epochs}", flush=True)

    def rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    def run_epoch(self) -> float:
        self.network.train()
        return float(np.mean([self._step(images, targets) for images, targets in self._batches()]))

    def evaluate(self, samples: Samples) -> tuple[float, float]:
        """Loss, the images' mean over chunks of fixed size, and pooled Dice; memory holds one chunk."""
        self.network.eval()
        loss, overlap, sizes = 0.0, 0, 0
        chunk = _WATCH_BATCHES * self.settings.batch_images
        with torch.inference_mode():
            for start in range(0, len(samples), chunk):
                images, targets = _fetch(samples, np.arange(start, min(start + chunk, len(samples))))
                logits = self._logits(images).cpu()
                drawn, reference = logits > 0, targets > 0
                loss += float(self.loss(logits, targets)) * len(images)
                overlap += int((drawn & reference).sum())
                sizes += int(drawn.sum() + reference.sum())
        return loss / len(samples), 2 * overlap / max(sizes, 1)

    def note(self, rate: float, train_loss: float, watch_loss: float, watch_dice: float) -> None:
        """Add an epoch to the history; keep its weights if its watched loss is the lowest so far."""
        better = watch_loss < min((row.watch_loss for row in self.history if row.best), default=float("inf"))
        if better:
            self.best = {name: tensor.to("cpu", copy=True) for name, tensor in self.network.state_dict().items()}
        self.history.append(Epoch(len(self.history) + 1, rate, train_loss, watch_loss, watch_dice, better))

    def _step(self, images: "Tensor", targets: "Tensor") -> float:
        changed, drawn = self.augment(images, targets)
        loss = self.loss(self._logits(changed), drawn.to(self.settings.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP_NORM)
        self.optimiser.step()
        self.schedule.step()
        return float(loss.detach())

    def _logits(self, images: "Tensor") -> "Tensor":
        return compute_logits(self.network, images.to(self.settings.device), self.settings.precision)

    def _batches(self) -> "Iterator[tuple[Tensor, Tensor]]":
        """The images of one epoch, in the order of a fresh draw."""
        order = self.random.permutation(len(self.learn))[: self.images]
        return (_fetch(self.learn, chosen) for chosen in np.array_split(order, self.steps))


def _fetch(samples: Samples, chosen: NDArray[np.intp]) -> "tuple[Tensor, Tensor]":
    images_nyx, targets_nyx = samples.read(chosen)
    return as_batch(images_nyx), torch.from_numpy(targets_nyx)[:, None].float()


def _waited(history: Sequence[Epoch]) -> int:
    """Epochs since the best one."""
    return len(list(takewhile(lambda row: not row.best, reversed(history))))


def _loss(name: str) -> Any:
    if name == "bce":
        return torch.nn.BCEWithLogitsLoss()
    return DiceCELoss(sigmoid=True, batch=True)


def _tell(epoch: Epoch, epochs: int, images_per_s: float) -> None:
    """A plain line for the log; seconds belong there and nowhere else."""
    print(
        f"epoch {epoch.epoch}/{epochs}: loss {epoch.train_loss:.4f}, watched {epoch.watch_loss:.4f}, "
        f"Dice {epoch.watch_dice:.4f}{' (best)' if epoch.best else ''}; {images_per_s:.0f} images/s",
        flush=True,
    )
