"""From one slice outward: each slice begins with its neighbour's square (Liao et al., section 4.5, and a fit)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import RefineSettings
from lvpipe.squares import Squares

Score = Callable[[Sequence[tuple[int, Squares]]], list[NDArray[np.float64]]]
"""How sure it is of squares `(n, 3)` in some slices, 0..1."""

Fit = Callable[[Sequence[tuple[int, NDArray[np.float64]]]], list[NDArray[np.float64]]]
"""The squares that squares in some slices should be."""

_MOST_MOVED, _LEAST_RATIO = 0.25, 0.6
"""A square that lies farther from its neighbour's, as a share of the side, or is larger or smaller by more, has lost
the ventricle."""

_TAPER = 0.3
"""Least side, as a share of the start's: no apex is smaller, and what shrinks on and on follows noise."""

_FINE_SIDES = (0.9, 1.0, 1.1)
"""Sides of the second look, as shares of what the first one found: a step either way."""

_GOOD_SHARE = 0.9
"""Squares that score at least this share of the best one's are averaged: a plateau's middle, not its edge."""


@dataclass(frozen=True)
class Walked:
    """A square for every slice, and its score; NaN where it is the neighbour's."""

    squares: Squares
    scores: NDArray[np.float64]


def walk(start: int, square: NDArray[np.float64], slices: int, score: Score, settings: RefineSettings) -> Walked:
    """Squares of all slices, from this one in the slice `start`; both directions go on side by side."""
    squares, scores = np.full((slices, 3), np.nan), np.full(slices, np.nan)
    squares[start] = square
    for some in ([start], *_outward(start, slices)):
        guesses = _guesses(some, squares, start)
        found, sure = refine(list(zip(some, guesses, strict=True)), score, settings.sides, settings)
        for z, guess, one, how_sure in zip(some, guesses, found, sure, strict=True):
            accepted = how_sure >= settings.least_score
            squares[z], scores[z] = (one, how_sure) if accepted else (guess, np.nan)
    return Walked(squares, scores)


def follow(
    start: int, square: NDArray[np.float64], slices: int, fit: Fit, score: Score, settings: RefineSettings
) -> Walked:
    """The same, each square fitted from its neighbour's; the neighbour's where it would jump, or is no heart's."""
    squares, scores = np.full((slices, 3), np.nan), np.full(slices, np.nan)
    squares[start] = square
    for some in ([start], *_outward(start, slices)):
        guesses = _guesses(some, squares, start)
        fitted = fit(list(zip(some, guesses, strict=True)))
        sure = score([(z, one[None]) for z, one in zip(some, fitted, strict=True)])
        for z, guess, one, (how_sure,) in zip(some, guesses, fitted, sure, strict=True):
            accepted = how_sure >= settings.least_score and _near(one, guess) and one[2] >= _TAPER * square[2]
            squares[z], scores[z] = (one, how_sure) if accepted else (guess, np.nan)
    return Walked(squares, scores)


def _guesses(some: Sequence[int], squares: Squares, start: int) -> list[NDArray[np.float64]]:
    """What slices begin with: the squares of their neighbours toward the start, and the start's own."""
    return [squares[z - np.sign(z - start)] for z in some]


def _near(square: NDArray[np.float64], neighbour: NDArray[np.float64]) -> bool:
    """Whether both can be one ventricle's: it moves by a few millimetres from slice to slice, and tapers."""
    moved = float(np.hypot(*(square[:2] - neighbour[:2]))) / neighbour[2]
    ratio = float(square[2] / neighbour[2])
    return moved <= _MOST_MOVED and _LEAST_RATIO <= ratio <= 1 / _LEAST_RATIO


def refine(
    guesses: Sequence[tuple[int, NDArray[np.float64]]], score: Score, sides: Sequence[float], settings: RefineSettings
) -> tuple[list[NDArray[np.float64]], list[float]]:
    """The best square about each guess, and its score: every second place first, then all about the best."""
    step, reach = settings.step_share, settings.reach_share
    slices = [z for z, _ in guesses]
    first = _best(guesses, score, _grid(sides, _offsets(2 * step, reach)))
    found = _best(list(zip(slices, first, strict=True)), score, _grid(_FINE_SIDES, _offsets(step, step)))
    sure = score([(z, one[None]) for z, one in zip(slices, found, strict=True)])
    return found, [float(how_sure[0]) for how_sure in sure]


def _best(
    guesses: Sequence[tuple[int, NDArray[np.float64]]], score: Score, grid: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    asked = [(z, _about(guess, grid)) for z, guess in guesses]
    return [average(squares, sure) for (_, squares), sure in zip(asked, score(asked), strict=True)]


def average(squares: Squares, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the best squares, weighted by how far each one stands out of the rest."""
    weights = np.clip(scores - _GOOD_SHARE * scores.max(), 0, None) + np.finfo(np.float64).tiny
    mean: NDArray[np.float64] = np.average(squares, axis=0, weights=weights)
    return mean


def _about(guess: NDArray[np.float64], grid: NDArray[np.float64]) -> Squares:
    """The grid's squares, which are shares of a side, about this one."""
    return np.column_stack([guess[:2] + guess[2] * grid[:, :2], guess[2] * grid[:, 2]])


def _grid(sides: Sequence[float], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    row, column, side = np.meshgrid(offsets, offsets, sides, indexing="ij")
    return np.column_stack([row.ravel(), column.ravel(), side.ravel()])


def _offsets(step: float, reach: float) -> NDArray[np.float64]:
    """Multiples of the step, either way, as far as the reach."""
    most = int(reach / step + 1e-9)
    return np.arange(-most, most + 1) * np.float64(step)


def _outward(start: int, slices: int) -> Iterator[list[int]]:
    """Both neighbours of the start, then theirs; one where the other direction has ended."""
    for pair in zip_longest(range(start - 1, -1, -1), range(start + 1, slices)):
        yield [z for z in pair if z is not None]
