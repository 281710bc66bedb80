"""Dice, IoU, accuracy, precision and recall as many published trainings compute them: background included.

They are here beside the honest ones so that published figures can be set beside ours, and so that it shows what they
are worth: an empty mask scores nearly 1 (`empty`). As in the Keras code of such papers, probabilities are not
thresholded, Dice pools the pixels of all images and channels, IoU adds 1 above and below and is a mean over images, and
accuracy asks of each channel's pixel by itself whether it is on the right side of one half. Precision and recall are of
rounded probabilities, pooled over all images and channels.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lvpipe.labels import BACKGROUND

POOLED_MEASURES: Final = ("dice_pooled", "iou_pooled", "accuracy_pooled", "precision_pooled", "recall_pooled")
"""What `Sums` tells, by name."""

SMOOTHING = 1.0
"""What is added above and below the IoU of each image."""


@dataclass(frozen=True)
class Sums:
    """What the measures of some images are made of; sums of parts give the measures of the whole."""

    images: float = 0.0
    shared: float = 0.0
    """Of probability times truth."""

    both: float = 0.0
    """Of probability plus truth."""

    iou: float = 0.0
    right: float = 0.0
    elements: float = 0.0
    said: float = 0.0
    """Channels' pixels of at least one half."""

    hit: float = 0.0
    """Those of them that are true."""

    true: float = 0.0

    def __add__(self, other: Self) -> "Sums":
        return Sums(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def dice_pooled(self) -> float:
        """2 sum(y p) / (sum(y) + sum(p)) over every pixel of every channel and image, 0..1; NaN without images.

        Of one-hot masks without doubt it is plain pixel accuracy, and no image leaves it undefined: each pixel has
        a channel, be it the background's.
        """
        return 2 * self.shared / self.both if self.both else float("nan")

    @property
    def iou_pooled(self) -> float:
        """The mean over images of (I + 1) / (U + 1), 0..1; NaN without images.

        I = sum(y p) and U = sum(y) + sum(p) - I, over an image's pixels and channels.
        """
        return self.iou / self.images if self.images else float("nan")

    @property
    def accuracy_pooled(self) -> float:
        """The share of channels' pixels that are on the right side of one half, 0..1; NaN without images."""
        return self.right / self.elements if self.elements else float("nan")

    @property
    def precision_pooled(self) -> float:
        """The share of what is said, in any channel, that is true, 0..1; NaN where nothing is said."""
        return self.hit / self.said if self.said else float("nan")

    @property
    def recall_pooled(self) -> float:
        """The share of what is true, in any channel, that is said, 0..1; NaN without images."""
        return self.hit / self.true if self.true else float("nan")

    @property
    def pooled(self) -> tuple[float, ...]:
        """The figures that `POOLED_MEASURES` names."""
        return tuple(getattr(self, name) for name in POOLED_MEASURES)


def sums(probs_ncyx: NDArray[Any], truth_ncyx: NDArray[np.bool_]) -> Sums:
    """Of images with their channels, of which one is the background."""
    axes = (1, 2, 3)
    said = probs_ncyx >= 0.5
    shared = np.where(truth_ncyx, probs_ncyx, 0).sum(axis=axes, dtype=np.float64)
    both = probs_ncyx.sum(axis=axes, dtype=np.float64) + truth_ncyx.sum(axis=axes)
    return Sums(
        images=float(len(probs_ncyx)),
        shared=float(shared.sum()),
        both=float(both.sum()),
        iou=float(((shared + SMOOTHING) / (both - shared + SMOOTHING)).sum()),
        right=float((said == truth_ncyx).sum()),
        elements=float(truth_ncyx.size),
        said=float(said.sum()),
        hit=float((said & truth_ncyx).sum()),
        true=float(truth_ncyx.sum()),
    )


def one_hot(labels_nyx: NDArray[Any], values: Sequence[int]) -> NDArray[np.bool_]:
    """A channel for each of these label values; what has none of them is background, 0."""
    known = np.where(np.isin(labels_nyx, values), labels_nyx, BACKGROUND)
    return np.stack([known == value for value in values], axis=1)


def empty(truth_ncyx: NDArray[np.bool_], values: Sequence[int]) -> Sums:
    """What a model gets that says background everywhere: the least that a published figure has to beat."""
    nothing = np.zeros(truth_ncyx.shape, np.float32)
    nothing[:, list(values).index(BACKGROUND)] = 1
    return sums(nothing, truth_ncyx)
