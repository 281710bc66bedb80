"""`segment`: the probability of each label in every pixel of every frame, a shard of cases at a time.

`average` (lvpipe/averaging.py): the mean of what several networks drew.
"""

import importlib
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.applying import NETWORKS, apply_models, applying_parser
from lvpipe.boxes import Boxes
from lvpipe.config.segment import SegmentSettings
from lvpipe.config.window import Window
from lvpipe.errors import Rejected
from lvpipe.grids import Grid, carry, grid_of, grid_within
from lvpipe.images import Image, read_geometry, read_image, write_images, write_rejected
from lvpipe.labels import VALUES, Label
from lvpipe.probabilities import PROB_SLOPE, stored
from lvpipe.windows import cut, read_place, window_grids

if TYPE_CHECKING:
    from torch import nn


def draw_case(
    networks: "Sequence[nn.Module]",
    prepared: Image,
    native: Image,
    boxes: Boxes,
    window: Window,
    labels: Sequence[Label],
    settings: SegmentSettings,
) -> list[Image]:
    """Apply the networks to the windows of a prepared cine; bring each label's probabilities to the native grid.

    What lies beyond the window is background.
    """
    from lvpipe.learning.apply import draw_images

    view = grid_within(prepared, native)
    grids = window_grids(boxes, window, view)
    windows_tzyx = cut(prepared.array_tzyx, grids, view)
    flat = windows_tzyx.reshape(-1, window.side_px, window.side_px)
    numbers = (settings.precision, settings.device)
    with NETWORKS:
        probs = draw_images(networks, flat, settings.batch_images, *numbers, window.intensities, settings.ways)
    outputs = (probs[:, i].reshape(windows_tzyx.shape) for i in range(probs.shape[1]))
    pasted = (
        _paste(output, grids, grid_of(native), beyond=float(label == "background"))
        for label, output in zip(labels, outputs, strict=True)
    )
    return [Image(prob, native.affine, native.time_step_ms) for prob in pasted]


def _paste(probs_tzyx: NDArray[Any], grids: Sequence[Grid], native: Grid, beyond: float) -> NDArray[np.uint8]:
    pasted = np.full((*probs_tzyx.shape[:2], *native.shape_yx), stored(np.array(beyond)))
    for z, grid in enumerate(grids):
        rows, columns = native.over(grid)
        carried = carry(probs_tzyx[:, z], grid, native.part(rows, columns), fill=beyond)
        pasted[:, z, rows, columns] = stored(carried)
    return pasted


def main(argv: Sequence[str]) -> None:
    """Load the models once, then write each case's probabilities; or, as `average`, the mean of what several drew."""
    if argv[:1] == ["average"]:  # loaded by name: how a mean is taken is no part of how networks draw
        importlib.import_module("lvpipe.averaging").main(argv[1:])
    else:
        parser = applying_parser(__doc__, SegmentSettings, "cines")
        parser.add_argument("--labels", nargs="+", choices=VALUES, required=True, help="what their outputs stand for")
        args = parser.parse_args(argv)
        apply_models(args, _Drawing(args), " ".join(args.labels))


class _Drawing:
    """What is done with one case."""

    def __init__(self, args: Namespace) -> None:
        self._args = args

    def inputs(self, case: str) -> tuple[Path, Path, Path]:
        """The view, the cine and the boxes."""
        args, cine = self._args, f"{case}_cine.nii.gz"
        return args.views / cine, args.cines / cine, args.boxes / f"{case}_boxes.json"

    def target(self, case: str) -> Path:
        """Its probabilities."""
        path: Path = self._args.out / f"{case}_prob.nii.gz"
        return path

    def write(self, case: str, networks: "Sequence[nn.Module]", path: Path) -> None:
        """Draw it; a rejected case is passed on."""
        args = self._args
        view, cine, box = self.inputs(case)
        try:
            prepared = read_image(view)
            place = read_place(box, args.window, prepared.array_tzyx.shape[1])
            seen = (args.window, args.labels, args.settings)
            drawn = draw_case(networks, prepared, read_geometry(cine), place, *seen)
            write_images(path, drawn, slope=PROB_SLOPE)
        except Rejected as reason:
            print(f"{case}: passed on: {reason}")
            write_rejected(path)
