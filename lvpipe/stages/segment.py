"""`segment`: the probability of each label in every pixel of every frame, a shard of cases at a time.

`average` (lvpipe/averaging.py): the mean of what several networks drew.
"""

import importlib
from argparse import Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import section_of, stage_parser
from lvpipe.boxes import Boxes
from lvpipe.config.segment import SegmentSettings
from lvpipe.config.window import Window
from lvpipe.digests import digest, file_digest
from lvpipe.errors import Rejected
from lvpipe.grids import Grid, carry, grid_of, grid_within
from lvpipe.images import Image, read_geometry, read_image, write_images, write_rejected
from lvpipe.labels import VALUES, Label
from lvpipe.probabilities import PROB_SLOPE, stored
from lvpipe.spool import Spool
from lvpipe.windows import cut, read_place, window_grids

if TYPE_CHECKING:
    from torch import nn

_CASES_AT_ONCE = 2
"""While the networks see one case, another is read, put together or written."""

_NETWORKS = Lock()
"""Held by the case that the networks see: a job has as many cores as they have threads."""


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
    with _NETWORKS:
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
        _draw(_parse(argv))


def _draw(args: Namespace) -> None:
    import torch

    from lvpipe.learning.device import prepare_torch
    from lvpipe.learning.weights import read_network

    prepare_torch(args.settings)
    networks = [read_network(path).to(args.settings.device) for path in args.models]
    spool = Spool(args.spool)
    # OpenMP's number of threads is each thread's own: one that starts later takes as many as there are cores.
    alike = partial(torch.set_num_threads, args.settings.threads)
    with ThreadPoolExecutor(_CASES_AT_ONCE, initializer=alike) as pool:
        list(pool.map(_drawer(args, networks, spool), args.cases))
    spool.release()


def _parse(argv: Sequence[str]) -> Namespace:
    parser = stage_parser(__doc__, SegmentSettings, "views", "cines", "boxes", "out", "spool")
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="files whose probabilities are averaged")
    parser.add_argument("--labels", nargs="+", choices=VALUES, required=True, help="what their outputs stand for")
    parser.add_argument("--window", type=section_of(Window), required=True, metavar="JSON", help="what they see")
    parser.add_argument("--cases", nargs="+", required=True, help="the cases of this shard")
    parser.add_argument("--code", required=True, help="digest of the code, part of a spooled file's key")
    return parser.parse_args(argv)


def _drawer(args: Namespace, networks: "Sequence[nn.Module]", spool: Spool) -> Callable[[str], None]:
    """What draws a case, unless the spool has it already."""
    common = _key(args)

    def draw(case: str) -> None:
        inputs = _inputs(case, args.views, args.cines, args.boxes)
        key = digest(common, case, *(file_digest(path) for path in inputs))
        spool.make(key, args.out / f"{case}_prob.nii.gz", partial(_write, case, inputs, networks, args))

    return draw


def _key(args: Namespace) -> str:
    """All that the probabilities of every case depend on."""
    from lvpipe.learning.device import describe_machine

    settings = (args.settings.canonical(), args.window.canonical(), " ".join(args.labels))
    return digest(args.code, *settings, describe_machine(args.settings), *(file_digest(path) for path in args.models))


def _inputs(case: str, views: Path, cines: Path, boxes: Path) -> tuple[Path, Path, Path]:
    return views / f"{case}_cine.nii.gz", cines / f"{case}_cine.nii.gz", boxes / f"{case}_boxes.json"


def _write(
    case: str, inputs: tuple[Path, Path, Path], networks: "Sequence[nn.Module]", args: Namespace, path: Path
) -> None:
    view, cine, box = inputs
    seen = (args.window, args.labels, args.settings)
    try:
        prepared = read_image(view)
        place = read_place(box, args.window, prepared.array_tzyx.shape[1])
        drawn = draw_case(networks, prepared, read_geometry(cine), place, *seen)
        write_images(path, drawn, slope=PROB_SLOPE)
    except Rejected as reason:
        print(f"{case}: passed on: {reason}")
        write_rejected(path)
