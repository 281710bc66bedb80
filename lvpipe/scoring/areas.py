"""areas.csv: areas of drawn slices beside those that were drawn, of every model that has any."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from lvpipe.metrics import known_mean, pearson_r
from lvpipe.tables import SheetRow

FIGURES: Final = ("slices", "bias_mm2", "mae_mm2", "bias_percent", "mae_percent", "pearson_r")
AREA_ERRORS: Final = ("model", "cohort", "split", "set", *FIGURES)
"""Columns. Percent are those of the window that the model sees; errors are estimate minus reference."""

HEART: Final = "heart"
"""The place of a window; every other lies beside it."""

WINDOWS: Final = ("fold", "case", "frame", "slice", "place", "reference_percent", "counted_percent", "told_percent")
"""Columns of a fold's table: how much of the window is cavity, by the reference, by the mask, by the head."""

Row = Mapping[str, str]


def summarise_areas(model: str, pairs: Iterable[Row], sheet: Mapping[str, SheetRow]) -> Iterator[dict[str, object]]:
    """Rows of one model: all drawn slices of a cohort and split, those with a cavity, and those without."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in pairs:
        if row["reference_mm2"]:
            who = sheet[row["case"]]
            groups.setdefault((who.cohort, who.split), []).append(row)
    for (cohort, split), rows in groups.items():
        for name, some in _sets(rows).items():
            yield {"model": model, "cohort": cohort, "split": split, "set": name} | _figures(some)


def _sets(rows: Sequence[Row]) -> dict[str, list[Row]]:
    cavity = [row for row in rows if float(row["reference_mm2"]) > 0]
    return {"all": list(rows), "cavity": cavity, "blank": [row for row in rows if float(row["reference_mm2"]) == 0]}


def _figures(rows: Sequence[Row]) -> dict[str, object]:
    names = ("cavity_mm2", "reference_mm2", "box_mm2")
    estimates, references, windows = (np.array([float(row[name]) for row in rows]) for name in names)
    errors = estimates - references
    shares = 100 * errors / windows
    figures = (known_mean(errors), known_mean(np.abs(errors)), known_mean(shares), known_mean(np.abs(shares)))
    return dict(zip(FIGURES, (len(rows), *figures, pearson_r(estimates, references)), strict=True))
