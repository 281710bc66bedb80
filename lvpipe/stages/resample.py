"""`resample`: a cine as a network sees it, on a common in-plane grid with standardised intensities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import stage_parser
from lvpipe.config.resample import Clahe, PreparedView
from lvpipe.grids import Grid, affine_on, carry, centred, grid_of
from lvpipe.images import Image, passing_on, read_image, write_image
from lvpipe.labels import NOT_ANNOTATED

_HISTOGRAM_BINS = 256
"""Bins of the adaptive equalisation; scikit-image counts its clip limit as a share of a tile, OpenCV in mean bins."""

_WHITE = 255.0


def prepare_cine(cine: Image, view: PreparedView) -> Image:
    """Bring every slice to the view's grid and its intensities to 0..255."""
    old, new = grid_of(cine), _target(grid_of(cine), view)
    slices = [_standardised(carry(cine.array_tzyx[:, z], old, new), view) for z in range(cine.array_tzyx.shape[1])]
    return Image(np.stack(slices, axis=1), affine_on(cine.affine, old, new), cine.time_step_ms)


def prepare_reference(reference: Image, view: PreparedView) -> Image:
    """Carry labels along to the view's grid; what lies outside the original image is not annotated."""
    old, new = grid_of(reference), _target(grid_of(reference), view)
    slices = [
        carry(reference.array_tzyx[:, z], old, new, how="nearest", fill=NOT_ANNOTATED)
        for z in range(reference.array_tzyx.shape[1])
    ]
    return Image(np.stack(slices, axis=1), affine_on(reference.affine, old, new), reference.time_step_ms)


def _target(native: Grid, view: PreparedView) -> Grid:
    if view.grid == "millimetres":
        return centred(native, (view.spacing_mm, view.spacing_mm))
    side = view.pixels_size // view.pixels_shrink
    spacing_y, spacing_x = (step * view.pixels_shrink for step in native.spacing_yx_mm)
    return centred(native, (spacing_y, spacing_x), (side, side))


def _standardised(frames_tyx: NDArray[Any], view: PreparedView) -> NDArray[np.uint8]:
    """Clip at the slice's percentiles over all frames, so that the contrast does not flicker; then 0..255."""
    low, high = np.percentile(frames_tyx, view.clip_percent)
    scaled = np.clip((frames_tyx - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
    if view.clahe is not None:
        scaled = np.stack([_equalised(frame_yx, view.clahe) for frame_yx in scaled])
    return np.asarray(np.rint(scaled * _WHITE), np.uint8)


def _equalised(frame_yx: NDArray[Any], clahe: Clahe) -> NDArray[Any]:
    from skimage.exposure import equalize_adapthist

    if frame_yx.min() == frame_yx.max():
        return frame_yx  # scikit-image would make a black and white frame of it
    tile = tuple(max(1, n // clahe.tiles) for n in frame_yx.shape)
    limit = min(1.0, clahe.clip_limit / _HISTOGRAM_BINS)
    equalised: NDArray[Any] = equalize_adapthist(frame_yx, kernel_size=tile, clip_limit=limit, nbins=_HISTOGRAM_BINS)
    return equalised


def main(argv: Sequence[str]) -> None:
    """Read a cine or a reference, write it on the view's grid."""
    parser = stage_parser(__doc__, PreparedView, "image", "out")
    parser.add_argument("--labels", action="store_true", help="the image holds labels: nearest neighbour, no contrast")
    args = parser.parse_args(argv)
    with passing_on(args.out):
        prepare = prepare_reference if args.labels else prepare_cine
        write_image(args.out, prepare(read_image(args.image), args.settings))
