"""Training images: the drawn slices of the drawn frames, as a network's window shows them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import Boxes
from lvpipe.config.window import Window
from lvpipe.drawn import walls_drawn
from lvpipe.errors import Rejected
from lvpipe.grids import grid_of
from lvpipe.images import Image, read_image
from lvpipe.labels import BACKGROUND, CAVITY, NOT_ANNOTATED
from lvpipe.learning.store import Store, write_store
from lvpipe.squares import drawn_frames
from lvpipe.windows import cut, read_place, window_grids

Cut = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images (0..255) and what each pixel shows (lvpipe/labels.py), both `(n, side, side)`."""


def store_samples(folder: Path, cases: Iterable[str], cines: Path, boxes: Path, window: Window) -> Store:
    """The samples of all cases, on disk in this folder; one that an earlier attempt has finished is used as it is."""
    try:
        return Store(folder)
    except (FileNotFoundError, ValueError):  # not made yet, or damaged by a crash of the machine
        write_store(folder, _read_cases(cases, cines, boxes, window))
        return Store(folder)


def cut_samples(cine: Image, reference_tzyx: NDArray[Any], boxes: Boxes, window: Window) -> Cut:
    """The drawn slices of the drawn frames; what a window shows beyond the original image is background.

    Where only the cavity was drawn, nobody drew what else is muscle: all that is not cavity is not annotated.
    """
    frames, view = drawn_frames(reference_tzyx), grid_of(cine)
    grids = window_grids(boxes, window, view)
    images = cut(cine.array_tzyx[frames], grids, view)
    labels = cut(reference_tzyx[frames], grids, view, how="nearest", fill=NOT_ANNOTATED)
    labels[labels == NOT_ANNOTATED] = BACKGROUND
    labels[~walls_drawn(reference_tzyx[frames])[:, :, None, None] & (labels != CAVITY)] = NOT_ANNOTATED
    drawn = (reference_tzyx[frames] != NOT_ANNOTATED).any(axis=(2, 3))
    return images[drawn], labels[drawn].astype(np.uint8)


def _read_cases(cases: Iterable[str], cines: Path, boxes: Path, window: Window) -> Iterator[tuple[str, *Cut]]:
    """Every case once; a rejected one has no samples."""
    for case in cases:
        try:
            cine = read_image(cines / f"{case}_cine.nii.gz")
            reference = read_image(cines / f"{case}_reference.nii.gz")
            box = read_place(boxes / f"{case}_boxes.json", window, cine.array_tzyx.shape[1])
        except Rejected as reason:
            print(f"{case}: left out of training: {reason}")
        else:
            yield case, *cut_samples(cine, reference.array_tzyx, box, window)
