"""What the fitter learns from: squares about those of drawn slices, and what would put each one right."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lvpipe.cases import number
from lvpipe.detection.fitter import corrections_to, widened
from lvpipe.detection.lessons import Lesson
from lvpipe.detection.patches import Cutter
from lvpipe.detection.teaching.examples import Examples
from lvpipe.squares import Squares

_NEAR = (0.08, 0.08)
_FAR = (0.2, 0.25)
"""Standard deviation of a shift as a share of the side, and of the logarithm of the side: as a square is off that has
been fitted once or was a neighbour's, and as one that was proposed."""


def make_fits(lessons: Iterable[Lesson], each: int, seed: int) -> dict[str, Examples]:
    """For every case, `each` squares about that of every drawn slice as patches `(n, 6, 25, 25)` in 0..255.

    Wanted of each are the changes of its square, `(n, 3)`. The draw follows from the seed and the case's name.
    """
    return {
        lesson.case: _of_case(lesson, each, np.random.default_rng([seed, number(lesson.case)])) for lesson in lessons
    }


def _of_case(lesson: Lesson, each: int, random: np.random.Generator) -> Examples:
    patches, corrections = [], []
    for z in lesson.slices:
        square = lesson.squares[z]
        squares = _about(square, each, random)
        patches.append(Cutter(lesson.moments_tzyx[:, z]).cut(widened(squares)).numpy().astype(np.uint8))
        corrections.append(corrections_to(squares, square).astype(np.float32))
    return Examples(np.concatenate(patches), np.concatenate(corrections))


def _about(square: NDArray[np.float64], n: int, random: np.random.Generator) -> Squares:
    """Squares about this one, `(n, 3)`, half of them near it."""
    shift, stretch = np.where(random.random(n) < 0.5, np.reshape(_NEAR, (2, 1)), np.reshape(_FAR, (2, 1)))
    middles = square[:2] + square[2] * shift[:, None] * random.standard_normal((n, 2))
    return np.column_stack([middles, square[2] * np.exp(stretch * random.standard_normal(n))])
