"""What a split by image does to the figures: one network on images of patients that it knows, and on other patients."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.compat_metrics import POOLED_MEASURES, Sums
from lvpipe.config.segment import SegmentSettings
from lvpipe.config.window import Intensities
from lvpipe.labels import BACKGROUND, CAVITY, Label
from lvpipe.learning.apply import draw_images
from lvpipe.learning.store import Samples
from lvpipe.metrics import dice, iou, known_mean
from lvpipe.scoring.pooled import SUMS, pool

if TYPE_CHECKING:
    from torch import nn

FIGURES: Final = (
    *("dice_2d_mean", "iou_2d", "area_error_share", *POOLED_MEASURES),
    *(f"background_{name}" for name in POOLED_MEASURES),
)
LEAK: Final = (
    *("model", "cohort", "fold", "set", "images", "patients", "patients_learnt_from", "images_learnt_from_percent"),
    *FIGURES,
)
"""Columns of one fold's table. `patients_learnt_from` are those of the set of whom the network saw other images; the
`background_` ones are what an empty mask would get.
"""


_CHUNK = 64
"""Images whose probabilities are in memory: 50 MB of three labels and 256 x 256 pixels."""


def overlap(patients: Sequence[str], learnt_from: Sequence[str]) -> dict[str, object]:
    """How many images, one patient each, are of patients that were learnt from."""
    known = set(learnt_from)
    leaked = [patient for patient in patients if patient in known]
    return {
        "images": len(patients),
        "patients": len(set(patients)),
        "patients_learnt_from": len(set(leaked)),
        "images_learnt_from_percent": 100 * len(leaked) / len(patients) if patients else None,
    }


def judge(
    network: "nn.Module", samples: Samples, labels: Sequence[Label], settings: SegmentSettings, intensities: Intensities
) -> dict[str, float]:
    """The figures of a network in its windows, seen in the turns of `segment`; memory holds a chunk."""
    slices: list[tuple[float, float, float]] = []
    total = {"model": Sums(), "background": Sums()}
    numbers = (settings.precision, settings.device)
    for start in range(0, len(samples), _CHUNK):
        images, truth = samples.read(np.arange(start, min(start + _CHUNK, len(samples))))
        found = draw_images([network], images, settings.batch_images, *numbers, intensities, settings.ways)
        slices.extend(_slices(found[:, 0] >= 0.5, truth == CAVITY))
        # As one stack: where some have a wall, one without any heart is known to have none.
        probs = {label: found[None, :, i] for i, label in enumerate(labels)}
        for row in pool(probs, _known(truth, labels)[None]):
            total[str(row["method"])] += Sums(*(float(str(row[name])) for name in SUMS))
    return dict(zip(FIGURES, (*_means(slices), *total["model"].pooled, *total["background"].pooled), strict=True))


def _slices(drawn: NDArray[Any], truth: NDArray[Any]) -> Iterator[tuple[float, float, float]]:
    """Dice, IoU and relative error of the area of each image; NaN where there is nothing to be right about."""
    for mine, theirs in zip(drawn, truth, strict=True):
        area = int(theirs.sum())
        error = abs(int(mine.sum()) - area) / area if area else float("nan")
        yield dice(mine, theirs), iou(mine, theirs), error


def _means(slices: Sequence[tuple[float, float, float]]) -> list[float]:
    columns = np.array(slices, float).reshape(-1, 3).T
    return [known_mean(column) for column in columns]


def _known(truth_nyx: NDArray[Any], labels: Sequence[Label]) -> NDArray[Any]:
    """Of a network that draws the cavity alone all else is background, whatever else it may be."""
    if "myocardium" in labels:
        return truth_nyx
    return np.where(truth_nyx == CAVITY, CAVITY, BACKGROUND).astype(np.uint8)
