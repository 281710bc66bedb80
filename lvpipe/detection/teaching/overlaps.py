"""What the classifier learns from: squares of drawn slices and how much of the heart's each one covers."""

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from lvpipe.cases import number
from lvpipe.detection.lessons import Lesson
from lvpipe.detection.patches import Cutter
from lvpipe.detection.teaching.examples import Examples
from lvpipe.squares import Squares, overlap

_PROPOSED_SHARE, _ANYWHERE_SHARE = 0.35, 0.25
"""Of a slice's squares: what the cascade proposed there, and what lies anywhere. The others lie about the heart's."""

_NEAR_SHARE = 0.5
"""Of those about the heart's: near it, as the walk meets them. The others are farther off."""

_NEAR, _FAR = (0.1, (0.7, 1.4)), (0.35, (0.3, 2.2))
"""Standard deviation of a shift as a share of the side, and the range of sides as shares of the heart's."""

_SIDES = (0.25, 2.0)
"""Of squares that lie anywhere, as shares of the heart's."""

Propose = Callable[[NDArray[np.uint8], float], NDArray[np.float64]]
"""Squares in an image of so many millimetres a pixel, `(n, 3 or more)`."""


def make_overlaps(lessons: Iterable[Lesson], each: int, propose: Propose, seed: int) -> dict[str, Examples]:
    """For every case, `each` squares of every drawn slice as patches `(n, 6, 25, 25)` in 0..255.

    Wanted of each is its intersection over union with the heart's square. The draw follows from the seed and the
    case's name, whoever else is there.
    """
    return {
        lesson.case: _of_case(lesson, each, propose, np.random.default_rng([seed, number(lesson.case)]))
        for lesson in lessons
    }


def _of_case(lesson: Lesson, each: int, propose: Propose, random: np.random.Generator) -> Examples:
    patches, overlaps = [], []
    for z in lesson.slices:
        frames_tyx, square = lesson.moments_tzyx[:, z], lesson.squares[z]
        proposed = propose(frames_tyx[0], lesson.pixel_mm)[:, :3]
        chosen = proposed[random.permutation(len(proposed))[: round(_PROPOSED_SHARE * each)]]
        elsewhere = anywhere(square, frames_tyx.shape[1:], round(_ANYWHERE_SHARE * each), random)
        about = jitter(square, each - len(chosen) - len(elsewhere), random)
        squares = np.concatenate([chosen, elsewhere, about])
        patches.append(Cutter(frames_tyx).cut(squares).numpy().astype(np.uint8))
        overlaps.append(overlap(squares, square[None])[:, 0].astype(np.float32))
    return Examples(np.concatenate(patches), np.concatenate(overlaps))


def jitter(square: NDArray[np.float64], n: int, random: np.random.Generator) -> Squares:
    """Squares about this one, `(n, 3)`: many near it, some farther off."""
    near = random.random(n) < _NEAR_SHARE
    shift = np.where(near, _NEAR[0], _FAR[0])[:, None]
    shares = np.where(near, _between(*_NEAR[1], n, random), _between(*_FAR[1], n, random))
    middles = square[:2] + square[2] * shift * random.standard_normal((n, 2))
    return np.column_stack([middles, square[2] * shares])


def anywhere(square: NDArray[np.float64], shape_yx: tuple[int, ...], n: int, random: np.random.Generator) -> Squares:
    """Squares whose middles lie anywhere in the image, `(n, 3)`."""
    middles = [random.uniform(0, size, n) for size in shape_yx]
    return np.column_stack([*middles, square[2] * _between(*_SIDES, n, random)])


def _between(low: float, high: float, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Sides of all sizes: those half as large are as many as those twice as large."""
    return np.exp(random.uniform(math.log(low), math.log(high), n))
