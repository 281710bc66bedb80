"""In-plane grids: where a slice's pixels lie, and how to carry a stack of frames from one grid to another."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lvpipe.images import Image


@dataclass(frozen=True)
class Grid:
    """Pixels of a slice, in mm along the slice's own axes, measured from the centre of some first pixel."""

    shape_yx: tuple[int, int]
    spacing_yx_mm: tuple[float, float]
    origin_yx_mm: tuple[float, float] = (0.0, 0.0)

    def window(self, top: int, left: int, side: int) -> "Grid":
        """The square of `side` pixels whose first pixel is (top, left) of this grid; it may reach outside."""
        (y, x), (dy, dx) = self.origin_yx_mm, self.spacing_yx_mm
        return Grid((side, side), self.spacing_yx_mm, (y + top * dy, x + left * dx))


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
    import SimpleITK as sitk  # noqa: N813  (the name that its own documentation uses)

    if not len(frames_tyx):
        return np.empty((0, *target.shape_yx), np.float32 if how == "linear" else frames_tyx.dtype)
    smoothed = _antialiased(frames_tyx, source, target) if how == "linear" else frames_tyx
    kind = np.float32 if how == "linear" else frames_tyx.dtype
    moving = sitk.GetImageFromArray(np.moveaxis(smoothed, 0, -1).astype(kind, order="C"), isVector=True)
    moving.SetSpacing(source.spacing_yx_mm[::-1])
    moving.SetOrigin(source.origin_yx_mm[::-1])
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in target.shape_yx[::-1]])
    resampler.SetOutputSpacing(target.spacing_yx_mm[::-1])
    resampler.SetOutputOrigin(target.origin_yx_mm[::-1])
    resampler.SetInterpolator(sitk.sitkLinear if how == "linear" else sitk.sitkNearestNeighbor)
    resampler.SetDefaultPixelValue(fill)
    resampler.SetNumberOfThreads(1)  # Jobs run side by side; threads of one would only wait for those of another.
    carried = sitk.GetArrayFromImage(resampler.Execute(moving))
    return np.moveaxis(carried.reshape(*target.shape_yx, len(frames_tyx)), -1, 0)


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
