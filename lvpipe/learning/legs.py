"""The parts of a training: legs of epochs, each with a learning rate of its own, and what is watched after an epoch."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Size(NamedTuple):
    """What an epoch has of images and steps."""

    images: int
    steps: int


Leg = Sequence[Size]
"""Epochs that belong together: with each leg the learning rate, the patience and what is best begin anew."""


class Watched(NamedTuple):
    """How well a network does on what is watched; `error_ml` is the mean absolute error of volumes, if any are."""

    loss: float
    score: float
    error_ml: float | None = None


class Course:
    """Where the epochs of a training lie in its legs."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._legs = legs
        self._starts = [0, *accumulate(map(len, legs))]

    @property
    def epochs(self) -> int:
        """Of all legs together."""
        return self._starts[-1]

    def leg(self, epoch: int) -> tuple[int, Leg]:
        """The leg of an epoch, counted from 0, and its first epoch."""
        which = max(i for i, start in enumerate(self._starts[:-1]) if start <= epoch)
        return self._starts[which], self._legs[which]

    def size(self, epoch: int) -> Size:
        """What this epoch has."""
        start, leg = self.leg(epoch)
        return leg[epoch - start]

    def starts(self, epoch: int) -> bool:
        """Whether a leg begins with this epoch."""
        return epoch in self._starts[:-1]

    def ends_with(self, epoch: int) -> bool:
        """Whether the leg of this epoch is the last."""
        return epoch >= self._starts[-2]
