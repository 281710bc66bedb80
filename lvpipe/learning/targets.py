"""What each output of a network is taught of a pixel, and of which pixels anything is known."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from lvpipe.labels import NOT_ANNOTATED, VALUES, Label

if TYPE_CHECKING:
    from torch import Tensor


def split_labels(labels: "Tensor", outputs: Sequence[Label]) -> "tuple[Tensor, Tensor]":
    """Of labels `(n, 1, y, x)` what each output should say, 0 or 1, and where that is known; both `(n, outputs, y, x)`.

    Every image of a training shows where the cavity is: what is not annotated is no cavity.
    """
    targets = torch.cat([labels == VALUES[name] for name in outputs], dim=1)
    known = torch.cat([(labels != NOT_ANNOTATED) | (name == "cavity") for name in outputs], dim=1)
    return targets.float(), known


def warp_labels(
    warp: "Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]", images: "Tensor", labels: "Tensor"
) -> "tuple[Tensor, Tensor]":
    """Images and labels changed together, by what fills with zeros from beyond the border: nobody drew there."""
    changed, moved = warp(images, labels - NOT_ANNOTATED)
    return changed, moved + NOT_ANNOTATED
