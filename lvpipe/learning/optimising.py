"""How the weights change at each step: the optimiser, its learning rate, and the running mean of the weights."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lvpipe.config.loop import LoopSettings

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

_WARM_UP_SHARE = 0.1
_WARM_UP_STEPS = 2
"""Fewest steps in which the learning rate rises: OneCycleLR divides by one less than their number."""

_POLY_POWER = 0.9
"""Exponent of the schedule `poly`; usual in segmentation, nnU-Net takes it too."""


def make_optimiser(network: "nn.Module", settings: LoopSettings) -> "Optimizer":
    """The optimiser of all weights."""
    weights, rate, decay = network.parameters(), settings.learning_rate, settings.weight_decay
    if settings.optimiser in ("sgd", "nesterov"):
        ahead = settings.optimiser == "nesterov"
        return torch.optim.SGD(weights, lr=rate, momentum=settings.momentum, weight_decay=decay, nesterov=ahead)
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(weights, lr=rate, weight_decay=decay, eps=settings.epsilon)


def make_schedule(optimiser: "Optimizer", epoch_steps: Sequence[int], settings: LoopSettings) -> "LRScheduler":
    """The learning rate of every step of the coming epochs, each of which has so many."""
    steps = sum(epoch_steps)
    if settings.schedule == "constant":
        return lr_scheduler.ConstantLR(optimiser, factor=1.0, total_iters=0)
    if settings.schedule == "steps":
        ends = [
            sum(epoch_steps[:epoch]) for epoch in range(settings.drop_epochs, len(epoch_steps), settings.drop_epochs)
        ]
        return lr_scheduler.MultiStepLR(optimiser, ends, settings.drop_factor)
    if settings.schedule == "poly":
        return lr_scheduler.PolynomialLR(optimiser, steps, _POLY_POWER)
    return _one_cycle(optimiser, steps, settings)


def _one_cycle(optimiser: "Optimizer", steps: int, settings: LoopSettings) -> "LRScheduler":
    """One cosine up and down; the momentum of gradient descent stays as it is."""
    total = max(_WARM_UP_STEPS + 1, steps)
    return lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        total_steps=total,
        pct_start=max(_WARM_UP_SHARE, _WARM_UP_STEPS / total),
        cycle_momentum=settings.optimiser in ("adam", "adamw"),
    )


def make_average(network: "nn.Module", settings: LoopSettings) -> AveragedModel | None:
    """The running mean of weights and of the statistics beside them, if one is wanted; it starts at the first step."""
    if settings.average is None:
        return None
    mean = get_ema_multi_avg_fn(settings.average)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=mean, use_buffers=True)
