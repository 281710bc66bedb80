"""One case's masks beside its reference: a row for each drawn slice (2D) and for each drawn frame's stack (3D)."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.contour_metrics import is_good, perpendicular_distance_mm
from lvpipe.drawn import walls_drawn
from lvpipe.images import Image
from lvpipe.labels import CAVITY, NOT_ANNOTATED, VALUES, Label
from lvpipe.metrics import accuracy, dice, hausdorff95_mm, iou, precision, recall

LEVELS: Final = ("basal", "mid", "apical")
"""Thirds of the slices in which the expert drew a cavity, counted from the base."""

MASKS: Final = (
    *("label", "level", "frame", "slice", "dimensions", "dice", "iou", "precision", "recall", "accuracy"),
    *("hd95_mm", "apd_mm", "good", "area_mm2", "area_error_mm2"),
)
"""Columns of one case's table; `dimensions` is 2 for a slice and 3 for a stack, which has no `slice`. `area_mm2` is
the expert's."""

DICE: Final = ("model", "cohort", "split", "case", *MASKS)


def compare_masks(
    mask: Image, reference: Image, labels: Collection[Label], *, hausdorff: bool
) -> Iterator[dict[str, object]]:
    """Rows of the cavity, and of the myocardium if it is among the model's labels and the expert drew one."""
    drawn_tz = (reference.array_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    yield from _rows("cavity", mask, reference, drawn_tz, hausdorff=hausdorff)
    if "myocardium" in labels:
        known_tz = drawn_tz & walls_drawn(reference.array_tzyx)
        yield from _rows("myocardium", mask, reference, known_tz, hausdorff=hausdorff)


def levels(cavity_z: NDArray[np.bool_]) -> list[str]:
    """The third of every slice, base first; "" where there is no cavity."""
    there = np.flatnonzero(cavity_z)
    names = [""] * len(cavity_z)
    for place, z in enumerate(there):
        names[z] = LEVELS[3 * place // len(there)]
    return names


def _rows(
    label: Label, mask: Image, reference: Image, judged_tz: NDArray[np.bool_], *, hausdorff: bool
) -> Iterator[dict[str, object]]:
    x_mm, y_mm, z_mm = mask.spacing_xyz_mm
    for frame in np.flatnonzero(judged_tz.any(axis=1)):
        estimate, expert = (image.array_tzyx[frame] == VALUES[label] for image in (mask, reference))
        thirds = levels((reference.array_tzyx[frame] == CAVITY).any(axis=(1, 2)))
        slices = np.flatnonzero(judged_tz[frame])
        for z in slices:
            who = {"label": label, "level": thirds[z], "frame": int(frame), "slice": int(z), "dimensions": 2}
            figures = _overlap(estimate[z], expert[z], (y_mm, x_mm), x_mm * y_mm, hausdorff=hausdorff)
            yield who | figures | _contour(estimate[z], expert[z], (y_mm, x_mm))
        who = {"label": label, "level": "", "frame": int(frame), "slice": None, "dimensions": 3}
        figures = _overlap(estimate[slices], expert[slices], (z_mm, y_mm, x_mm), x_mm * y_mm, hausdorff=hausdorff)
        yield who | figures | {"apd_mm": None, "good": None}


def _overlap(
    estimate: NDArray[Any], expert: NDArray[Any], spacing_mm: Sequence[float], pixel_mm2: float, *, hausdorff: bool
) -> dict[str, object]:
    measures = {"dice": dice, "iou": iou, "precision": precision, "recall": recall, "accuracy": accuracy}
    figures: dict[str, object] = {name: measure(estimate, expert) for name, measure in measures.items()}
    figures["hd95_mm"] = hausdorff95_mm(estimate, expert, spacing_mm) if hausdorff else float("nan")
    figures["area_mm2"] = int(expert.sum()) * pixel_mm2
    figures["area_error_mm2"] = (int(estimate.sum()) - int(expert.sum())) * pixel_mm2
    return figures


def _contour(estimate: NDArray[Any], expert: NDArray[Any], spacing_yx_mm: Sequence[float]) -> dict[str, object]:
    apart_mm = perpendicular_distance_mm(estimate, expert, spacing_yx_mm)
    good = is_good(apart_mm, expert_drew=bool(expert.any()))
    return {"apd_mm": apart_mm, "good": None if good is None else int(good)}
