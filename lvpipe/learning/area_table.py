"""How much of a window is cavity, by a network's mask and by its head of areas, at the heart and beside it."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.boxes import Boxes
from lvpipe.config.regress import RegressSettings
from lvpipe.config.window import Window
from lvpipe.errors import Rejected
from lvpipe.files import write_table
from lvpipe.grids import grid_of
from lvpipe.images import Image, read_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.learning.batches import as_batch, scale
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.fractions import tell_both
from lvpipe.learning.weights import read_network
from lvpipe.networks._area_head import share_of_window
from lvpipe.scoring.areas import HEART, WINDOWS
from lvpipe.squares import drawn_frames
from lvpipe.windows import cut, read_place, window_grids, window_sides

if TYPE_CHECKING:
    from torch import nn

_PLACES: Final = {HEART: (0, 0), "above": (-1, 0), "below": (1, 0), "left": (0, -1), "right": (0, 1)}
"""Where windows lie: at the heart, and one side away, where nothing is to be found."""


@dataclass(frozen=True)
class Seen:
    """Windows of one place: their images, the frame and slice of each, and how much of it is cavity."""

    place: str
    images_nyx: NDArray[np.uint8]
    frames: NDArray[np.intp]
    slices: NDArray[np.intp]
    shares: NDArray[np.float64]


def write_areas(args: Namespace) -> None:
    """Apply the network of one fold to windows of the cases that it never saw."""
    settings = RegressSettings.model_validate_json(args.settings)
    window = Window.model_validate_json(args.window)
    prepare_torch(settings)
    network = read_network(args.model).to(settings.device)
    rows: list[dict[str, object]] = []
    for case in args.cases:
        for seen in _windows(case, args, window):
            shares = (seen.shares, *tell(network, seen.images_nyx, window, settings))
            rows.extend({"fold": args.fold, "case": case, **row} for row in _rows(seen, *shares))
    write_table(args.out, WINDOWS, rows)


def see(cine: Image, reference_tzyx: NDArray[np.uint8], boxes: Boxes, window: Window) -> Iterator[Seen]:
    """The windows of all drawn slices; those beside the heart where the image goes on and no cavity was drawn."""
    frames, view = drawn_frames(reference_tzyx), grid_of(cine)
    drawn = (reference_tzyx[frames] != NOT_ANNOTATED).any(axis=(2, 3))
    for place, step in _PLACES.items():
        if place != HEART and window.about == "image":
            return
        moved = _moved(boxes, window, step)
        grids = window_grids(moved, window, view)
        shares = (cut(reference_tzyx[frames], grids, view, "nearest") == CAVITY).mean(axis=(2, 3))
        chosen = drawn if place == HEART else drawn & _inside(moved, window, view.shape_yx) & (shares == 0)
        t, z = np.nonzero(chosen)
        yield Seen(place, cut(cine.array_tzyx[frames], grids, view)[chosen], frames[t], z, shares[chosen])


def _windows(case: str, args: Namespace, window: Window) -> Iterator[Seen]:
    """Those of a rejected case are none."""
    try:
        cine, reference = (read_image(args.cines / f"{case}_{name}.nii.gz") for name in ("cine", "reference"))
        boxes = read_place(args.boxes / f"{case}_boxes.json", window, cine.array_tzyx.shape[1])
    except Rejected as reason:
        print(f"{case}: left out: {reason}")
        return
    yield from see(cine, reference.array_tzyx, boxes, window)


def _rows(seen: Seen, *shares: NDArray[np.float64]) -> Iterator[dict[str, object]]:
    for i, (frame, z) in enumerate(zip(seen.frames, seen.slices, strict=True)):
        percents = (100 * float(share[i]) for share in shares)
        yield dict(zip(WINDOWS[2:], (int(frame), int(z), seen.place, *percents), strict=True))


def tell(
    network: "nn.Module", images_nyx: NDArray[np.uint8], window: Window, settings: RegressSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each image the share that its mask counts, and that the head of areas tells."""
    counted, told = [torch.empty(0)], [torch.empty(0)]
    with torch.inference_mode():
        for start in range(0, len(images_nyx), settings.batch_images):
            batch = as_batch(images_nyx[start : start + settings.batch_images]).to(settings.device)
            logits, shares = tell_both(network, scale(batch, window.intensities), settings.precision)
            counted.append(share_of_window(logits[:, :1] > 0).cpu())
            told.append(shares.cpu())
    return torch.cat(counted).double().numpy(), torch.cat(told).double().numpy()


def _moved(boxes: Boxes, window: Window, step: tuple[int, int]) -> Boxes:
    squares = boxes.array
    squares[:, :2] += window_sides(boxes, window)[:, None] * np.array(step)
    return replace(boxes, squares=tuple(map(tuple, squares.tolist())))


def _inside(boxes: Boxes, window: Window, shape_yx: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether each slice's window lies within the image; pixels reach half a pixel beyond their middles."""
    reach = window_sides(boxes, window)[:, None] / 2 - 0.5
    middles = boxes.array[:, :2]
    return np.asarray(((middles >= reach) & (middles <= np.array(shape_yx) - 1 - reach)).all(axis=1))
