"""`detect`: one box per slice around the heart, from what moves and what looks like a ventricle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import stage_parser
from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.detect import DetectSettings
from lvpipe.images import Image, passing_on, read_image
from lvpipe.rings import strongest_place


def find_boxes(cine: Image, settings: DetectSettings) -> Boxes:
    """Square boxes around each slice's centre, or all around the centre of the study."""
    x_mm, y_mm, _ = cine.spacing_xyz_mm
    centres = find_centres(cine.array_tzyx, (x_mm + y_mm) / 2, settings)
    corners = np.rint(centres - settings.side_px / 2).astype(int)
    return Boxes(settings.method, settings.side_px, x_mm * y_mm, tuple((int(top), int(left)) for top, left in corners))


def find_centres(cine_tzyx: NDArray[Any], pixel_mm: float, settings: DetectSettings) -> NDArray[np.float64]:
    """Row and column of the heart in every slice."""
    slices, rows, columns = cine_tzyx.shape[1:]
    if settings.method == "centre":
        return np.tile([rows / 2, columns / 2], (slices, 1))
    centres = np.array([moving_centre(cine_tzyx[:, z], settings.band_px) for z in range(slices)])
    if settings.per == "study":
        centres = np.tile(np.median(centres, axis=0), (slices, 1))
    if settings.refine == "none":
        return centres
    return _refined(cine_tzyx, pixel_mm, centres, settings)


def moving_centre(frames_tyx: NDArray[Any], band_px: int) -> tuple[float, float]:
    """Centre of the rows and of the columns that change most: the mean deltas of Hsin and Danner (section 4.2)."""
    frames = frames_tyx.astype(np.float32)
    deltas = np.abs(frames - frames.mean(axis=0)).mean(axis=0)
    return _strongest_band(deltas.mean(axis=1), band_px), _strongest_band(deltas.mean(axis=0), band_px)


def _refined(
    cine_tzyx: NDArray[Any], pixel_mm: float, centres: NDArray[np.float64], settings: DetectSettings
) -> NDArray[np.float64]:
    """Each centre moved to the best ring near it; a study's from its middle half, where the ventricle is round."""
    slices = len(centres)
    if settings.per == "study":
        middle = cine_tzyx[:, slices // 4 : slices - slices // 4]
        return np.tile(strongest_place(middle, tuple(centres[0]), settings.reach_px, pixel_mm), (slices, 1))
    near = zip(range(slices), centres, strict=True)
    return np.array([strongest_place(cine_tzyx[:, [z]], tuple(c), settings.reach_px, pixel_mm) for z, c in near])


def _strongest_band(profile: NDArray[Any], width: int) -> float:
    """Middle of the band of `width` with the largest mean, sliding by one; of equal bands, the middle one."""
    width = min(width, len(profile))
    totals = np.convolve(profile, np.ones(width), mode="valid")
    strongest = np.flatnonzero(totals == totals.max())
    return float(strongest[len(strongest) // 2]) + width / 2


def main(argv: Sequence[str]) -> None:
    """Read a prepared cine, write its boxes."""
    args = stage_parser(__doc__, DetectSettings, "cine", "out").parse_args(argv)
    with passing_on(args.out):
        write_boxes(args.out, find_boxes(read_image(args.cine), args.settings))
