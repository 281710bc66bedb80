"""Training images: the drawn slices of the drawn frames, cut to their boxes."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import Boxes, crop, read_boxes
from lvpipe.errors import Rejected
from lvpipe.images import read_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED


@dataclass(frozen=True)
class Samples:
    """Images (0..255) and their targets (cavity 1, else 0), both `(n, side, side)`."""

    images_nyx: NDArray[np.uint8]
    targets_nyx: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images_nyx)


def read_samples(cases: Iterable[str], cines: Path, boxes: Path) -> Samples:
    """Gather the samples of all cases; a rejected case has none."""
    found = [sample for case in cases for sample in _read_case(case, cines, boxes)]
    if not found:
        return Samples(np.empty((0, 0, 0), np.uint8), np.empty((0, 0, 0), np.uint8))
    return Samples(np.concatenate([s.images_nyx for s in found]), np.concatenate([s.targets_nyx for s in found]))


def cut_samples(cine_tzyx: NDArray[Any], reference_tzyx: NDArray[Any], boxes: Boxes) -> Samples:
    """The drawn slices of the drawn frames; what a box shows beyond the original image is background."""
    frames = np.flatnonzero((reference_tzyx != NOT_ANNOTATED).any(axis=(1, 2, 3)))
    images, labels = crop(cine_tzyx[frames], boxes), crop(reference_tzyx[frames], boxes)
    drawn = (reference_tzyx[frames] != NOT_ANNOTATED).any(axis=(2, 3))
    return Samples(images[drawn], (labels[drawn] == CAVITY).astype(np.uint8))


def _read_case(case: str, cines: Path, boxes: Path) -> list[Samples]:
    try:
        cine = read_image(cines / f"{case}_cine.nii.gz")
        reference = read_image(cines / f"{case}_reference.nii.gz")
        return [cut_samples(cine.array_tzyx, reference.array_tzyx, read_boxes(boxes / f"{case}_boxes.json"))]
    except Rejected as reason:
        print(f"{case}: left out of training: {reason}")
        return []
