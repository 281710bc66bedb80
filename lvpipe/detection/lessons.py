"""What a detector learns from: the drawn cases of the contoured cohorts, as a view shows them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.errors import Rejected
from lvpipe.images import read_image
from lvpipe.squares import Squares, drawn_frames, reference_squares

MOMENTS = 6
"""Frames of a cycle that the classifier sees (Liao et al., section 4.4)."""


@dataclass(frozen=True)
class Lesson:
    """One drawn case; `squares` has a row for each slice, NaN where nobody drew a cavity.

    `drawn_fzyx` are the frames in which somebody drew, `moments_tzyx` the six that the classifier sees.
    """

    case: str
    pixel_mm: float
    drawn_fzyx: NDArray[np.uint8]
    moments_tzyx: NDArray[np.uint8]
    squares: Squares

    @property
    def slices(self) -> NDArray[np.intp]:
        """The slices that have a square."""
        return np.flatnonzero(np.isfinite(self.squares[:, 0]))


def moments_of(frames: int) -> NDArray[np.intp]:
    """Six frames, evenly over the cycle: the first and the last are near end-diastole; few frames stand for several."""
    return np.rint(np.linspace(0, frames - 1, MOMENTS)).astype(np.intp)


def read_lessons(cases: Iterable[str], folder: Path, margin: float) -> Iterator[Lesson]:
    """Every drawn case of a view's folder once; a rejected one, or one without a cavity, teaches nothing."""
    for case in cases:
        try:
            cine, reference = (read_image(folder / f"{case}_{name}.nii.gz") for name in ("cine", "reference"))
        except Rejected as reason:
            print(f"{case}: left out of training: {reason}")
            continue
        lesson = _lesson(case, cine.pixel_mm, cine.array_tzyx, reference.array_tzyx, margin)
        if len(lesson.slices):
            yield lesson
        else:
            print(f"{case}: left out of training: no cavity is drawn")


def _lesson(case: str, pixel_mm: float, cine_tzyx: NDArray[Any], reference_tzyx: NDArray[Any], margin: float) -> Lesson:
    squares = reference_squares(reference_tzyx, pixel_mm, margin)
    drawn, moments = cine_tzyx[drawn_frames(reference_tzyx)], cine_tzyx[moments_of(len(cine_tzyx))]
    return Lesson(case, pixel_mm, drawn, moments, squares)
