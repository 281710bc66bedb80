"""What a detector learns from: the drawn cases of the contoured cohorts, as a view shows them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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

    def drawn_alone(self) -> "Lesson":
        """Without the moments and the slices that have no square: most of its memory."""
        kept = self.slices
        no_moments = np.empty((0, len(kept), *self.moments_tzyx.shape[2:]), np.uint8)
        return replace(self, drawn_fzyx=self.drawn_fzyx[:, kept], moments_tzyx=no_moments, squares=self.squares[kept])


def moments_of(frames: int) -> NDArray[np.intp]:
    """Six frames, evenly over the cycle: the first and the last are near end-diastole; few frames stand for several."""
    return np.rint(np.linspace(0, frames - 1, MOMENTS)).astype(np.intp)


def moments(cine_tzyx: NDArray[Any]) -> NDArray[Any]:
    """The six frames; where a picture is missing (exports have some slices alone), the nearest one of the slice.

    Blank, it would look like a heart that turns black, and teach that black is one.
    """
    chosen = moments_of(len(cine_tzyx))
    taken = cine_tzyx[chosen]
    for place, z in np.argwhere(_blank(taken)):
        shown = np.flatnonzero(~_blank(cine_tzyx[:, z]))
        if len(shown):
            taken[place, z] = cine_tzyx[shown[np.abs(shown - chosen[place]).argmin()], z]
    return taken


def _blank(images: NDArray[Any]) -> NDArray[np.bool_]:
    """Which images have one value alone."""
    return np.asarray(np.ptp(images, axis=(-2, -1)) == 0)


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
    return Lesson(case, pixel_mm, cine_tzyx[drawn_frames(reference_tzyx)], moments(cine_tzyx), squares)
