"""What a cascade learns from: squares around drawn hearts, and windows of the same images beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvpipe.detection.cascade.lbp import integral
from lvpipe.detection.cascade.levels import resized, shrunk, sides_between, squares_of
from lvpipe.detection.cascade.model import Cascade
from lvpipe.detection.lessons import Lesson
from lvpipe.squares import Squares, overlap

_SHIFT, _STRETCH = 0.06, 0.12
"""How far an example's middle and the logarithm of its size may lie off what was drawn (the middle as a share of the
side): a little more than the windows that are asked about must lie off."""

_SMALLER, _LARGER = 0.7, 1.4
"""Windows without a heart have sides from the smallest heart's times the one to the largest's times the other."""

_SIDE_FACTOR = 1.1
"""Ratio of a side to the next smaller one, as where squares are proposed (`detect: proposals: scale_factor`)."""

_ASKED = 4096
"""Windows of one level that are asked about at a time: enough to pay for shrinking the image."""

_SPREAD = 100
"""Negatives of a stage come from at least so many images, where there are as many."""

_SYMMETRIES = 8
"""Four quarter turns, each also mirrored: scans come in any of them."""


@dataclass(frozen=True)
class Album:
    """The drawn images, `(frame, slice)` of each lesson, with their squares."""

    lessons: Sequence[Lesson]

    @property
    def places(self) -> list[tuple[int, int, int]]:
        """Lesson, frame and slice of every image that has a square; a picture that is missing is blank."""
        return [
            (number, frame, int(slice_))
            for number, lesson in enumerate(self.lessons)
            for frame in range(len(lesson.drawn_fzyx))
            for slice_ in lesson.slices
            if np.ptp(lesson.drawn_fzyx[frame, slice_])
        ]

    def picture(self, place: tuple[int, int, int], symmetry: int) -> tuple[NDArray[np.uint8], Squares]:
        """An image, turned and mirrored, and its square."""
        number, frame, slice_ = place
        lesson = self.lessons[number]
        return turned(lesson.drawn_fzyx[frame, slice_], lesson.squares[slice_ : slice_ + 1], symmetry)

    def sides(self) -> list[float]:
        """Sides in pixels of the windows that are asked about."""
        drawn = np.concatenate([lesson.squares[lesson.slices, 2] for lesson in self.lessons])
        return sides_between(_SMALLER * float(drawn.min()), _LARGER * float(drawn.max()), _SIDE_FACTOR)


def turned(image_yx: NDArray[np.uint8], squares: Squares, symmetry: int) -> tuple[NDArray[np.uint8], Squares]:
    """The image and its squares after some quarter turns, from the fifth symmetry on mirrored as well."""
    row, column, side = squares.T
    for _ in range(symmetry % 4):
        row, column, image_yx = image_yx.shape[1] - 1 - column, row, np.rot90(image_yx)
    if symmetry >= 4:
        column, image_yx = image_yx.shape[1] - 1 - column, image_yx[:, ::-1]
    return image_yx, np.column_stack([row, column, side])


def draw_positives(album: Album, count: int, window_px: int, dice: np.random.Generator) -> NDArray[np.uint8]:
    """Squares around hearts as windows, every image as often as any other, each a little off in place and size."""
    places = album.places
    order = np.concatenate([dice.permutation(len(places)) for _ in range(-(-count // len(places)))])[:count]
    patches = [_positive(*album.picture(places[k], int(dice.integers(_SYMMETRIES))), window_px, dice) for k in order]
    return np.stack(patches)


def _positive(
    image_yx: NDArray[np.uint8], squares: Squares, window_px: int, dice: np.random.Generator
) -> NDArray[np.uint8]:
    row, column, side = squares[0]
    shifts, stretch = dice.uniform(-_SHIFT, _SHIFT, 2) * side, np.exp(dice.uniform(-_STRETCH, _STRETCH))
    return cut(image_yx, (row + shifts[0], column + shifts[1], side * stretch), window_px)


def cut(image_yx: NDArray[np.uint8], square: tuple[float, float, float], window_px: int) -> NDArray[np.uint8]:
    """A square as a window; outside the image its outermost pixels go on."""
    row, column, side = square
    reach = int(
        np.ceil(max(0, side / 2 - min(row, column), side / 2 - min(np.subtract(image_yx.shape, (row, column)))))
    )
    padded = np.pad(image_yx, reach + 1, mode="edge")
    top, left = (middle + 1.5 + reach - side / 2 for middle in (row, column))
    return resized(padded, (window_px, window_px), (top, left, top + side, left + side))


@dataclass
class Mine:
    """Where negatives come from: windows at random places that overlap no heart much and that a cascade lets pass."""

    album: Album
    window_px: int
    least_iou: float
    dice: np.random.Generator

    def __post_init__(self) -> None:
        self._places, self._sides = self.album.places, self.album.sides()

    def dig(self, cascade: Cascade, wanted: int, images: int) -> tuple[NDArray[np.uint8], int, int]:
        """Patches that a cascade takes for hearts, at most so many, of so many images; how many passed of how many."""
        found = [np.empty((0, self.window_px, self.window_px), np.uint8)]
        passed = seen = count = 0
        for _ in range(images):
            level, places = self._windows()
            left = self._passing(cascade, level, places)
            seen, passed = seen + len(places), passed + len(left)
            found.append(_patches(level, left[: max(1, wanted // _SPREAD)], self.window_px))
            count += len(found[-1])
            if count >= wanted:
                break
        return np.concatenate(found)[:wanted], passed, seen

    def _passing(self, cascade: Cascade, level: NDArray[np.uint8], places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of these windows that a cascade lets pass, in the order of the dice."""
        sums = integral(level)
        stride = sums.shape[1]
        left = cascade.passing(sums, places[:, 0] * stride + places[:, 1])
        return np.column_stack(np.divmod(self.dice.permutation(left), stride))

    def _windows(self) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
        """An image in some size, and some of its windows that have no heart."""
        place = self._places[self.dice.integers(len(self._places))]
        image_yx, squares = self.album.picture(place, int(self.dice.integers(_SYMMETRIES)))
        fitting = [side for side in self._sides if side <= min(image_yx.shape)]
        if not fitting:
            return np.zeros((self.window_px,) * 2, np.uint8), np.empty((0, 2), np.intp)
        scale = fitting[self.dice.integers(len(fitting))] / self.window_px
        level = shrunk(image_yx, scale)
        rows, columns = (n - self.window_px + 1 for n in level.shape)
        drawn = self.dice.choice(rows * columns, min(_ASKED, rows * columns), replace=False, shuffle=False)
        places = np.column_stack(np.divmod(drawn, columns))
        beside = overlap(squares_of(places, self.window_px, scale), squares)[:, 0] < self.least_iou
        return level, places[beside]


def _patches(level_yx: NDArray[np.uint8], corners: NDArray[np.intp], window_px: int) -> NDArray[np.uint8]:
    cut_out = np.lib.stride_tricks.sliding_window_view(level_yx, (window_px, window_px))
    return np.asarray(cut_out[corners[:, 0], corners[:, 1]])
