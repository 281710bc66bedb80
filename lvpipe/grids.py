"""In-plane grids: where a slice's pixels lie, and how to carry a stack of frames from one grid to another."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lvpipe.images import Image

_COINCIDE_PX = 1e-6
"""Pixels that are nearer to each other than this part of one are the same; origins are sums of rounded numbers."""


@dataclass(frozen=True)
class Grid:
    """Pixels of a slice, in mm along the slice's own axes, measured from the centre of some first pixel."""

    shape_yx: tuple[int, int]
    spacing_yx_mm: tuple[float, float]
    origin_yx_mm: tuple[float, float] = (0.0, 0.0)

    def window(self, top: int, left: int, side: int) -> "Grid":
        """The square of `side` pixels whose first pixel is (top, left) of this grid; it may reach outside."""
        return self.part(slice(top, top + side), slice(left, left + side))

    def part(self, rows: slice, columns: slice) -> "Grid":
        """Some of the rows and columns; they may reach outside."""
        (y, x), (dy, dx) = self.origin_yx_mm, self.spacing_yx_mm
        shape_yx = (rows.stop - rows.start, columns.stop - columns.start)
        return Grid(shape_yx, self.spacing_yx_mm, (y + rows.start * dy, x + columns.start * dx))

    def over(self, other: "Grid") -> tuple[slice, slice]:
        """The rows and columns that lie over another grid; at its edge there may be one too many."""
        rows, columns = (
            _over(n, (first - origin) / step, new / step, m)
            for n, origin, step, m, first, new in zip(
                *(self.shape_yx, self.origin_yx_mm, self.spacing_yx_mm),
                *(other.shape_yx, other.origin_yx_mm, other.spacing_yx_mm),
                strict=True,
            )
        )
        return rows, columns


def grid_of(image: Image) -> Grid:
    """The native grid of an image, its origin at its first pixel."""
    x_mm, y_mm, _ = image.spacing_xyz_mm
    rows, columns = image.array_tzyx.shape[2:]
    return Grid((rows, columns), (y_mm, x_mm))


def grid_within(image: Image, native: Image) -> Grid:
    """The grid of an image that `carry` made, measured from the first pixel of the native image."""
    own = grid_of(image)
    axes = native.affine[:3, :2] / np.linalg.norm(native.affine[:3, :2], axis=0)
    x_mm, y_mm = (image.affine[:3, 3] - native.affine[:3, 3]) @ axes
    return Grid(own.shape_yx, own.spacing_yx_mm, (float(y_mm), float(x_mm)))


def centred(grid: Grid, spacing_yx_mm: tuple[float, float], shape_yx: tuple[int, int] | None = None) -> Grid:
    """A grid of another spacing around the same centre; as wide as `grid` unless a shape is given."""
    shape = shape_yx or _covering(grid, spacing_yx_mm)
    first = [
        origin + ((n - 1) * step - (m - 1) * new) / 2
        for origin, n, step, m, new in zip(
            grid.origin_yx_mm, grid.shape_yx, grid.spacing_yx_mm, shape, spacing_yx_mm, strict=True
        )
    ]
    return Grid(shape, spacing_yx_mm, (first[0], first[1]))


def affine_on(affine: NDArray[np.float64], old: Grid, new: Grid) -> NDArray[np.float64]:
    """The affine of an image that was carried from one grid to another."""
    (old_y, old_x), (new_y, new_x) = old.spacing_yx_mm, new.spacing_yx_mm
    shift_y, shift_x = (b - a for a, b in zip(old.origin_yx_mm, new.origin_yx_mm, strict=True))
    moved = affine.copy()
    moved[:, 0] *= new_x / old_x
    moved[:, 1] *= new_y / old_y
    moved[:, 3] += affine[:, 0] * (shift_x / old_x) + affine[:, 1] * (shift_y / old_y)
    return moved


def carry(
    frames_tyx: NDArray[Any], source: Grid, target: Grid, how: Literal["linear", "nearest"] = "linear", fill: float = 0
) -> NDArray[Any]:
    """Resample all frames of one slice at once; pixels outside the source get `fill`."""
    kind = np.float32 if how == "linear" else frames_tyx.dtype
    if not len(frames_tyx):
        return np.empty((0, *target.shape_yx), kind)
    if (shift := _whole_shift(source, target)) is not None:
        return _shifted(frames_tyx, shift, target.shape_yx, fill).astype(kind)
    if how == "nearest":
        return _nearest(frames_tyx, source, target, fill)
    return _interpolated(_antialiased(frames_tyx, source, target), source, target, fill)


def _interpolated(frames_tyx: NDArray[Any], source: Grid, target: Grid, fill: float) -> NDArray[np.float32]:
    """First along x, then along y; frame by frame, which the processor's caches hold."""
    rows, columns = (_Between.of(source, target, axis) for axis in (0, 1))
    carried = np.empty((len(frames_tyx), *target.shape_yx), np.float32)
    for frame_yx, into in zip(frames_tyx, carried, strict=True):
        into[:] = rows.mix(columns.mix(frame_yx, 1), 0)
    carried[:, rows.outside] = fill
    carried[:, :, columns.outside] = fill
    return carried


@dataclass(frozen=True)
class _Between:
    """Along one axis, the two pixels that each new one lies between, and how far on it is from the first."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: NDArray[np.float64]
    outside: NDArray[np.bool_]

    @classmethod
    def of(cls, source: Grid, target: Grid, axis: int) -> "_Between":
        """Beyond the middle of the outermost pixel, as far as that pixel reaches, its own value counts."""
        places_mm = target.origin_yx_mm[axis] + np.arange(target.shape_yx[axis]) * target.spacing_yx_mm[axis]
        places = (places_mm - source.origin_yx_mm[axis]) / source.spacing_yx_mm[axis]
        last = source.shape_yx[axis] - 1
        within = places.clip(0, last)
        first = np.floor(within).astype(np.intp)
        outside = (places < -0.5 - _COINCIDE_PX) | (places >= last + 0.5 - _COINCIDE_PX)
        return cls(first, np.minimum(first + 1, last), within - first, outside)

    def mix(self, frame_yx: NDArray[Any], axis: int) -> NDArray[np.float64]:
        """The weighted mean of the two."""
        first = frame_yx.take(self.first, axis=axis).astype(np.float64)
        step = frame_yx.take(self.second, axis=axis) - first
        step *= self.share if axis else self.share[:, None]
        first += step
        return first


def _nearest(frames_tyx: NDArray[Any], source: Grid, target: Grid, fill: float) -> NDArray[Any]:
    """By SimpleITK, whose choice between pixels that are equally near is the one of all earlier results."""
    import SimpleITK as sitk  # noqa: N813  (the name that its own documentation uses)

    moving = sitk.GetImageFromArray(np.moveaxis(frames_tyx, 0, -1).copy(), isVector=True)
    moving.SetSpacing(source.spacing_yx_mm[::-1])
    moving.SetOrigin(source.origin_yx_mm[::-1])
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in target.shape_yx[::-1]])
    resampler.SetOutputSpacing(target.spacing_yx_mm[::-1])
    resampler.SetOutputOrigin(target.origin_yx_mm[::-1])
    resampler.SetInterpolator(sitk.sitkNearestNeighbor)
    resampler.SetDefaultPixelValue(fill)
    resampler.SetNumberOfThreads(1)  # Jobs run side by side; threads of one would only wait for those of another.
    carried = sitk.GetArrayFromImage(resampler.Execute(moving))
    return np.moveaxis(carried.reshape(*target.shape_yx, len(frames_tyx)), -1, 0)


def _over(count: int, first: float, width: float, others: int) -> slice:
    """Which of `count` pixels lie over others that begin at `first` and are `width` wide, in pixels."""
    start, stop = first - width / 2, first + (others - 0.5) * width
    begin = min(max(0, math.floor(start)), count)
    return slice(begin, min(max(begin, math.ceil(stop) + 1), count))


def _whole_shift(source: Grid, target: Grid) -> tuple[int, int] | None:
    """Where the target's first pixel lies in the source, if their pixels coincide: nothing is interpolated then."""
    if source.spacing_yx_mm != target.spacing_yx_mm:
        return None
    shift = (np.array(target.origin_yx_mm) - source.origin_yx_mm) / source.spacing_yx_mm
    whole = np.rint(shift)
    return (int(whole[0]), int(whole[1])) if np.abs(shift - whole).max() < _COINCIDE_PX else None


def _shifted(frames_tyx: NDArray[Any], shift: tuple[int, int], shape_yx: tuple[int, int], fill: float) -> NDArray[Any]:
    shifted = np.full((len(frames_tyx), *shape_yx), fill, frames_tyx.dtype)
    ends = zip(shift, shape_yx, frames_tyx.shape[1:], strict=True)
    (top, bottom), (left, right) = ((max(0, start), min(start + n, m)) for start, n, m in ends)
    if top < bottom and left < right:
        y, x = shift
        shifted[:, top - y : bottom - y, left - x : right - x] = frames_tyx[:, top:bottom, left:right]
    return shifted


def _covering(grid: Grid, spacing_yx_mm: tuple[float, float]) -> tuple[int, int]:
    rows, columns = (
        max(1, round(n * step / new))
        for n, step, new in zip(grid.shape_yx, grid.spacing_yx_mm, spacing_yx_mm, strict=True)
    )
    return rows, columns


def _antialiased(frames_tyx: NDArray[Any], source: Grid, target: Grid) -> NDArray[Any]:
    """Average over what a coarser target pixel covers; a finer target needs nothing."""
    from scipy.ndimage import correlate1d

    smoothed = frames_tyx
    for axis, (step, new) in enumerate(zip(source.spacing_yx_mm, target.spacing_yx_mm, strict=True), start=1):
        if new > step:
            smoothed = correlate1d(smoothed.astype(np.float32), _box_weights(new / step), axis=axis, mode="nearest")
    return smoothed


def _box_weights(width_px: float) -> NDArray[np.float64]:
    """A box of this width around a pixel; its outer pixels count by the part of them that it covers."""
    reach = int(np.ceil((width_px - 1) / 2))
    covered = np.clip(width_px / 2 + 0.5 - np.abs(np.arange(-reach, reach + 1)), 0, 1)
    return np.asarray(covered / covered.sum())
