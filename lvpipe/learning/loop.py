"""The one training loop: seeded, early stopping on patients of its own, best weights kept."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.losses import DiceCELoss

from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.batches import as_batch, compute_logits
from lvpipe.learning.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor, nn

_WARM_UP_SHARE = 0.1
_WARM_UP_STEPS = 2
"""Fewest steps in which the learning rate rises: OneCycleLR divides by one less than their number."""

_CLIP_NORM = 1.0
"""Largest norm of a step's gradient; larger ones come from batches of nothing but blank slices."""


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv. It holds no seconds: the same training has the same history."""

    epoch: int
    learning_rate: float
    train_loss: float
    watch_loss: float
    watch_dice: float
    best: bool


def prepare_torch(threads: int, seed: int = 0) -> None:
    """Fix what torch's bytes depend on."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)


def train(
    network: "nn.Module", learn: Samples, watch: Samples, settings: TrainSettings
) -> tuple[list[Epoch], dict[str, "Tensor"]]:
    """Train in place; return the history and the weights of the epoch with the lowest watched loss.

    Raises:
        UserError: no epoch had a finite loss.
    """
    loop = _Loop(network, learn, settings)
    history: list[Epoch] = []
    best: dict[str, Tensor] = {}
    lowest, waited = float("inf"), 0
    for epoch in range(1, settings.epochs + 1):
        started = time.perf_counter()
        rate, train_loss = loop.rate(), loop.run_epoch()
        watch_loss, watch_dice = loop.evaluate(watch)
        better = watch_loss < lowest
        waited = 0 if better else waited + 1
        if better:
            lowest = watch_loss
            best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        history.append(Epoch(epoch, rate, train_loss, watch_loss, watch_dice, better))
        _tell(history[-1], settings.epochs, time.perf_counter() - started, len(learn))
        if waited >= settings.patience:
            break
    if not best:
        raise UserError(
            f"training diverged: the watched loss was {watch_loss} in all {len(history)} epochs; "
            f"lower `train: learning_rate`, now {settings.learning_rate}"
        )
    return history, best


class _Loop:
    """Network, optimiser, schedule and random state of one training."""

    def __init__(self, network: "nn.Module", learn: Samples, settings: TrainSettings) -> None:
        self.network: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
        self.learn = learn
        self.settings = settings
        self.steps = -(-len(learn) // settings.batch_images)
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

    def rate(self) -> float:
        return float(self.schedule.get_last_lr()[0])

    def run_epoch(self) -> float:
        self.network.train()
        return float(np.mean([self._step(images, targets) for images, targets in self._batches()]))

    def evaluate(self, samples: Samples) -> tuple[float, float]:
        """Loss over all samples as one batch, and their pooled Dice."""
        self.network.eval()
        with torch.inference_mode():
            chunks = np.array_split(np.arange(len(samples)), self._chunks(len(samples)))
            logits = torch.cat([self._logits(as_batch(samples.images_nyx[chunk])) for chunk in chunks])
            targets = torch.from_numpy(samples.targets_nyx)[:, None].float()
            drawn = (logits > 0).float()
            dice = 2 * (drawn * targets).sum() / (drawn.sum() + targets.sum()).clamp(min=1)
            return float(self.loss(logits, targets)), float(dice)

    def _step(self, images: "Tensor", targets: "Tensor") -> float:
        changed, drawn = self.augment(images, targets)
        loss = self.loss(self._logits(changed), drawn)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP_NORM)
        self.optimiser.step()
        self.schedule.step()
        return float(loss.detach())

    def _logits(self, images: "Tensor") -> "Tensor":
        return compute_logits(self.network, images, self.settings.precision)

    def _batches(self) -> Iterator[tuple["Tensor", "Tensor"]]:
        for chosen in np.array_split(self.random.permutation(len(self.learn)), self.steps):
            yield (
                as_batch(self.learn.images_nyx[chosen]),
                torch.from_numpy(self.learn.targets_nyx[chosen])[:, None].float(),
            )

    def _chunks(self, n: int) -> int:
        return -(-n // (4 * self.settings.batch_images))


def _loss(name: str) -> Any:
    if name == "bce":
        return torch.nn.BCEWithLogitsLoss()
    return DiceCELoss(sigmoid=True, batch=True)


def _tell(epoch: Epoch, epochs: int, seconds: float, images: int) -> None:
    """A plain line for the log; seconds belong there and nowhere else."""
    print(
        f"epoch {epoch.epoch}/{epochs}: loss {epoch.train_loss:.4f}, watched {epoch.watch_loss:.4f}, "
        f"Dice {epoch.watch_dice:.4f}{' (best)' if epoch.best else ''}; {images / seconds:.0f} images/s",
        flush=True,
    )
