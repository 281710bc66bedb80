"""segmentation.csv: every slice and stack of dice.csv in a few figures for each model, cohort, split and label."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from lvpipe.compat_metrics import POOLED_MEASURES, Sums
from lvpipe.metrics import known_mean, known_median
from lvpipe.scoring.masks import LEVELS
from lvpipe.scoring.pooled import add_up
from lvpipe.tables import SheetRow, number

BACKGROUND: Final = "background"
"""The row of an empty mask: what the pooled figures give for nothing."""

ALL: Final = "all"
SEGMENTATION: Final = (
    *("model", "cohort", "split", "label", "level", "patients", "slices", "missed", "extra"),
    *("dice_2d_mean", "dice_2d_median", "dice_2d_zero_percent", "iou_2d", "precision_2d", "recall_2d", "accuracy_2d"),
    *("hd95_2d_mm", "area_bias_mm2", "dice_good", "apd_good_mm", "good_percent"),
    *("stacks", "dice_3d_mean", "dice_3d_median", "hd95_3d_mm"),
    *("channels", *POOLED_MEASURES),
)

Row = Mapping[str, str]


def summarise_masks(
    dice: Sequence[Row], pooled: Mapping[tuple[str, str], Sequence[Row]], sheet: Mapping[str, SheetRow]
) -> Iterator[dict[str, object]]:
    """Rows of segmentation.csv; `pooled` has each case's sums by model and case."""
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in dice:
        groups.setdefault((row["model"], row["cohort"], row["split"], row["label"]), []).append(row)
    known: set[tuple[str, str, int]] = set()
    for (model, cohort, split, label), rows in groups.items():
        who = {"model": model, "cohort": cohort, "split": split, "label": label}
        parts = [row for case in dict.fromkeys(row["case"] for row in rows) for row in pooled.get((model, case), ())]
        whole = _figures(rows, sheet) | _stacks(rows)
        channels, total = add_up(parts, "model")
        yield _row(who, ALL, whole | (_pooled(channels, total) if label == "cavity" else {}))
        for level in LEVELS:
            yield _row(who, level, _figures([row for row in rows if row["level"] == level], sheet))
        if label == "cavity" and channels and (cohort, split, channels) not in known:
            known.add((cohort, split, channels))
            yield _row(who | {"model": BACKGROUND}, ALL, _nothing(whole) | _pooled(*add_up(parts, BACKGROUND)))


def _row(who: Mapping[str, object], level: str, figures: Mapping[str, object]) -> dict[str, object]:
    return dict.fromkeys(SEGMENTATION) | dict(who) | {"level": level} | dict(figures)


def _figures(rows: Sequence[Row], sheet: Mapping[str, SheetRow]) -> dict[str, object]:
    """Of slices in which somebody drew something: where neither did, there was nothing to find."""
    slices = [row for row in rows if row["slice"] and row["dice"]]
    scores = _column(slices, "dice")
    return {
        "patients": len({sheet[row["case"]].patient for row in slices}),
        "slices": len(slices),
        "missed": sum(not row["precision"] for row in slices),
        "extra": sum(not row["recall"] for row in slices),
        "dice_2d_mean": known_mean(scores),
        "dice_2d_median": known_median(scores),
        "dice_2d_zero_percent": 100 * known_mean(scores == 0),
        **{f"{name}_2d": known_mean(_column(slices, name)) for name in ("iou", "precision", "recall", "accuracy")},
        "hd95_2d_mm": known_mean(_column(slices, "hd95_mm")),
        "area_bias_mm2": known_mean(_column(slices, "area_error_mm2")),
        **_challenge(slices, sheet),
    }


def _challenge(slices: Sequence[Row], sheet: Mapping[str, SheetRow]) -> dict[str, object]:
    """The Sunnybrook challenge's three figures: of each patient, then the mean of patients, as entries report them."""
    patients: dict[str, list[Row]] = {}
    for row in slices:
        if row["good"]:
            patients.setdefault(sheet[row["case"]].patient, []).append(row)
    good = [[row for row in rows if row["good"] == "1"] for rows in patients.values()]
    shares = [len(some) / len(rows) for some, rows in zip(good, patients.values(), strict=True)]
    return {
        "dice_good": known_mean([known_mean(_column(rows, "dice")) for rows in good]),
        "apd_good_mm": known_mean([known_mean(_column(rows, "apd_mm")) for rows in good]),
        "good_percent": 100 * known_mean(shares),
    }


def _stacks(rows: Iterable[Row]) -> dict[str, object]:
    stacks = [row for row in rows if not row["slice"] and row["dice"]]
    scores = _column(stacks, "dice")
    return {
        "stacks": len(stacks),
        "dice_3d_mean": known_mean(scores),
        "dice_3d_median": known_median(scores),
        "hd95_3d_mm": known_mean(_column(stacks, "hd95_mm")),
    }


def _pooled(channels: int, total: Sums) -> dict[str, object]:
    return {"channels": channels or None} | dict(zip(POOLED_MEASURES, total.pooled, strict=True))


def _nothing(figures: Mapping[str, object]) -> dict[str, object]:
    """The honest figures of an empty mask, beside the pooled ones."""
    zeros = ("dice_2d_mean", "dice_2d_median", "good_percent", "dice_3d_mean", "dice_3d_median")
    return {"patients": figures["patients"], "stacks": figures["stacks"]} | dict.fromkeys(zeros, 0.0)


def _column(rows: Iterable[Row], name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([number(row[name]) for row in rows], float)
