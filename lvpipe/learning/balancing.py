"""Epochs with a chosen share of images that show no cavity, whatever their share in the store."""

import numpy as np
from numpy.typing import NDArray

from lvpipe.labels import CAVITY
from lvpipe.learning.store import Samples

_CHUNK = 256
"""Targets that are looked at at once: memory does not grow with the store."""


def find_blank(samples: Samples) -> NDArray[np.bool_]:
    """Which samples show no cavity, `(n,)`."""
    chunks = (samples.places[start : start + _CHUNK] for start in range(0, len(samples), _CHUNK))
    return np.concatenate([~(samples.targets.read(places) == CAVITY).any(axis=(1, 2)) for places in chunks])


def draw_balanced(
    blank: NDArray[np.bool_], images: int, blank_share: float, order: np.random.Generator
) -> NDArray[np.intp]:
    """So many samples in a fresh order; of a kind of which there are too few each comes about as often as the others.

    Where all samples are of one kind they come as they are.
    """
    kinds = [np.flatnonzero(blank), np.flatnonzero(~blank)]
    if not all(map(len, kinds)):
        return order.permutation(len(blank))[:images]
    blanks = round(blank_share * images)
    drawn = [_repeated(kind, count, order) for kind, count in zip(kinds, (blanks, images - blanks), strict=True)]
    return order.permutation(np.concatenate(drawn))


def _repeated(places: NDArray[np.intp], count: int, order: np.random.Generator) -> NDArray[np.intp]:
    rounds = [order.permutation(places) for _ in range(-(-count // len(places)))]
    return np.concatenate([places[:0], *rounds])[:count]
