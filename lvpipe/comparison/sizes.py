"""How good models are that differ in nothing but the most images that they learn from."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from lvpipe.charts import PALETTE, Line, chart
from lvpipe.tables import number

SIZES: Final = ("arm", "most_images", "model", "cohort", "split", "dice_2d_mean", "dice_pooled")

_SIZE: Final = (640.0, 380.0)
_DASHES: Final = "6 4"


class Arm(NamedTuple):
    """What models have in common that differ in size alone, and how many images one of them learns from at most.

    A fold that has fewer learns from all of them.
    """

    arm: str
    most_images: int


def list_sizes(segmentation: Sequence[Mapping[str, str]], arms: Mapping[str, Arm]) -> list[dict[str, object]]:
    """Rows of the cavity over all slices, by arm and size."""
    order = ("cohort", "split", "arm", "most_images")
    return sorted(_sizes(segmentation, arms), key=lambda row: [row[name] for name in order])


def _sizes(segmentation: Sequence[Mapping[str, str]], arms: Mapping[str, Arm]) -> Iterator[dict[str, object]]:
    for row in segmentation:
        if row["model"] in arms and (row["label"], row["level"]) == ("cavity", "all"):
            figures = {name: number(row[name]) for name in SIZES[-2:]}
            yield {**arms[row["model"]]._asdict(), **{name: row[name] for name in SIZES[2:5]}, **figures}


def draw_sizes(rows: Sequence[Mapping[str, object]]) -> str:
    """A line for each arm on each cohort and split: a colour for the arm, dashes for all but the first cohort's."""
    colours = dict(zip(dict.fromkeys(row["arm"] for row in rows), itertools.cycle(PALETTE), strict=False))
    lines: dict[str, Line] = {}
    for row in rows:
        dashed = any(row[name] != rows[0][name] for name in ("cohort", "split"))
        name = f"{row['arm']}: {row['cohort']}, {row['split']}{' (dashed)' if dashed else ''}"
        line = lines.get(name, Line(name, (), (), colours[row["arm"]], dash=_DASHES if dashed else ""))
        x, y = (float(str(row[column])) for column in ("most_images", "dice_2d_mean"))
        lines[name] = replace(line, x=(*line.x, x), y=(*line.y, y))
    title = "Dice by number of training images"
    return chart(title, "most images", "mean Dice of slices' cavities", [*lines.values()], size=_SIZE)
