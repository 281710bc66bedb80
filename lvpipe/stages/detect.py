"""`detect`: one box per slice around the heart, from what moves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import stage_parser
from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.detect import DetectSettings
from lvpipe.images import Image, passing_on, read_image


def find_boxes(cine: Image, settings: DetectSettings) -> Boxes:
    """Square boxes around each slice's centre, or all around the median centre of the study."""
    cine_tzyx = cine.array_tzyx
    slices, rows, columns = cine_tzyx.shape[1:]
    centres = np.tile([rows / 2, columns / 2], (slices, 1))
    if settings.method == "mean_deltas":
        centres = np.array([moving_centre(cine_tzyx[:, z], settings.band_px) for z in range(slices)])
    if settings.per == "study":
        centres = np.tile(np.median(centres, axis=0), (slices, 1))
    corners = np.rint(centres - settings.side_px / 2).astype(int)
    x_mm, y_mm, _ = cine.spacing_xyz_mm
    return Boxes(settings.method, settings.side_px, x_mm * y_mm, tuple((int(top), int(left)) for top, left in corners))


def moving_centre(frames_tyx: NDArray[Any], band_px: int) -> tuple[float, float]:
    """Centre of the rows and of the columns that change most: the mean deltas of Hsin and Danner (section 4.2)."""
    frames = frames_tyx.astype(np.float32)
    deltas = np.abs(frames - frames.mean(axis=0)).mean(axis=0)
    return _strongest_band(deltas.mean(axis=1), band_px), _strongest_band(deltas.mean(axis=0), band_px)


def _strongest_band(profile: NDArray[Any], width: int) -> float:
    """Middle of the band of `width` with the largest mean, sliding by one; ties go to the first."""
    width = min(width, len(profile))
    totals = np.convolve(profile, np.ones(width), mode="valid")
    return float(np.argmax(totals)) + width / 2


def main(argv: Sequence[str]) -> None:
    """Read a prepared cine, write its boxes."""
    args = stage_parser(__doc__, DetectSettings, "cine", "out").parse_args(argv)
    with passing_on(args.out):
        write_boxes(args.out, find_boxes(read_image(args.cine), args.settings))
