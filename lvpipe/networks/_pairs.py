"""Two scores of every label, yes and no, as Liao et al. have them: their softmax is one probability."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def as_pairs(scores: "Tensor") -> "Tensor":
    """Scores `(n, 2 * labels, y, x)` as `(n, labels, 2, y, x)`; the first of two is the label's, the other its lack."""
    count, channels, height, width = scores.shape
    return scores.reshape(count, channels // 2, 2, height, width)


def as_logits(scores: "Tensor") -> "Tensor":
    """What a sigmoid turns into the softmax of each pair: the difference of the two."""
    pairs = as_pairs(scores)
    return pairs[:, :, 0] - pairs[:, :, 1]


def as_probabilities(scores: "Tensor") -> "Tensor":
    """The softmax of each pair, in the shape of the scores."""
    return as_pairs(scores).softmax(dim=2).flatten(1, 2)
