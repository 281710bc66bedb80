"""What counts as an error of logits `(n, labels, y, x)` beside targets of 0 and 1; what nobody drew counts nothing."""

from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch
from monai.losses import DiceLoss, FocalLoss
from torch.nn.functional import binary_cross_entropy_with_logits

from lvpipe.config.train import TrainSettings

if TYPE_CHECKING:
    from torch import Tensor

_SURELY_NOT = -100.0
"""A logit whose sigmoid is 0 and has no slope: beside a target of 0 such a pixel counts nothing in a Dice."""


class Loss(Protocol):
    """The loss of a batch, lower is better."""

    def __call__(self, logits: "Tensor", targets: "Tensor", known: "Tensor | None" = None) -> "Tensor":
        """`known` is 0 or 1 and broadcasts to the logits; None: everything is known."""


def make_loss(settings: TrainSettings) -> Loss:
    """The loss of these settings; each label is told from all else by an output of its own."""
    named: dict[str, Loss] = {
        "bce": partial(_cross_entropy, scale=settings.target_scale),
        "dice": _dice,
        "dice_ce": lambda logits, targets, known=None: (
            _dice(logits, targets, known) + _cross_entropy(logits, targets, known)
        ),
        "dice_each_ce": lambda logits, targets, known=None: (
            _dice(logits, targets, known, together=False) + _cross_entropy(logits, targets, known)
        ),
        "focal": _focal,
        "squared": _squared,
    }
    return named[settings.loss]


def _cross_entropy(logits: "Tensor", targets: "Tensor", known: "Tensor | None" = None, scale: float = 1.0) -> "Tensor":
    """Mean over the known pixels. MONAI leaves it to torch."""
    return _mean(binary_cross_entropy_with_logits(logits, targets * scale, reduction="none"), known)


def _focal(logits: "Tensor", targets: "Tensor", known: "Tensor | None" = None) -> "Tensor":
    errors: Tensor = FocalLoss(reduction="none")(logits, targets)
    return _mean(errors, known)


def _dice(logits: "Tensor", targets: "Tensor", known: "Tensor | None" = None, together: bool = True) -> "Tensor":
    """One minus the soft Dice of each label: over the whole batch `together`, or the mean over its images."""
    if known is not None:
        there = known.expand_as(logits) > 0
        logits, targets = torch.where(there, logits, _SURELY_NOT), torch.where(there, targets, 0.0)
    loss: Tensor = DiceLoss(sigmoid=True, batch=together)(logits, targets)
    return loss


def _squared(logits: "Tensor", targets: "Tensor", known: "Tensor | None" = None) -> "Tensor":
    """Sum over an image's pixels, mean over images. By hand: torch and MONAI have a mean or a sum over everything."""
    errors = (torch.sigmoid(logits) - targets) ** 2
    counted = errors if known is None else errors * known
    return counted.flatten(1).sum(dim=1).mean()


def _mean(errors: "Tensor", known: "Tensor | None") -> "Tensor":
    if known is None:
        return errors.mean()
    counts = known.expand_as(errors).to(errors.dtype)
    return (errors * counts).sum() / counts.sum().clamp(min=1)
