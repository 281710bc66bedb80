"""The area of a cavity in a window, counted in the mask that a network draws and told by its head of areas.

As in figure 7 of Liao et al.: on windows that hold a cavity, and on windows in which nothing is to be found.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lvpipe.charts import Bars, Dots, Identity, Layer, Rule, chart, stack
from lvpipe.files import read_table, write_table, write_text
from lvpipe.metrics import known_mean, pearson_r
from lvpipe.scoring.areas import HEART

SUMMARY: Final = ("set", "by", "windows", "mean_percent", "bias_percent", "mae_percent", "pearson_r")
WAYS: Final = {"counted": "P, counted in the mask", "told": "O, told by the head"}

_SIZE = 480.0, 360.0
_BINS = 30

Row = Mapping[str, str]


def write_two_areas(tables: Sequence[Path], summary: Path, picture: Path, model: str) -> None:
    """The folds together: their figures as a table, and the four panels of the figure."""
    sets = _sets([row for table in tables for row in read_table(table)])
    write_table(summary, SUMMARY, (_figures(name, way, rows) for name, rows in sets.items() for way in WAYS))
    write_text(picture, draw_two_areas(model, sets))


def draw_two_areas(model: str, sets: Mapping[str, Sequence[Row]]) -> str:
    """On the left by P, on the right by O: above estimate against reference, below what is said of nothing."""
    nothing = [*sets["blank"], *sets["beside"]]
    charts = [_scatter(f"{model}: {words}", way, sets["cavity"]) for way, words in WAYS.items()]
    charts += [_histogram(f"{model}, no cavity: {words}", way, nothing) for way, words in WAYS.items()]
    return stack(charts, _SIZE, across=len(WAYS))


def _sets(rows: Sequence[Row]) -> dict[str, list[Row]]:
    at_heart = [row for row in rows if row["place"] == HEART]
    return {
        "cavity": [row for row in at_heart if float(row["reference_percent"]) > 0],
        "blank": [row for row in at_heart if float(row["reference_percent"]) == 0],
        "beside": [row for row in rows if row["place"] != HEART],
    }


def _figures(name: str, way: str, rows: Sequence[Row]) -> dict[str, object]:
    estimates, references = np.array(_column(rows, way)), np.array(_column(rows, "reference"))
    errors = estimates - references
    figures = (known_mean(estimates), known_mean(errors), known_mean(np.abs(errors)), pearson_r(estimates, references))
    return dict(zip(SUMMARY, (name, way, len(rows), *figures), strict=True))


def _scatter(title: str, way: str, rows: Sequence[Row]) -> str:
    layers: list[Layer] = [Dots("", _column(rows, "reference"), _column(rows, way)), Identity()]
    names = ("reference", *WAYS)
    reach = 0.0, 1.05 * max([1.0, *(value for name in names for value in _column(rows, name))])
    return chart(title, "drawn (% of the window)", "%", layers, x_range=reach, y_range=reach, size=_SIZE)


def _histogram(title: str, way: str, rows: Sequence[Row]) -> str:
    """In the same bins as the other way's."""
    both = [value for name in WAYS for value in _column(rows, name)]
    edges = np.linspace(min([0.0, *both]), max([1.0, *both]), _BINS + 1)
    values = _column(rows, way)
    layers: list[Layer] = [Bars("", edges.tolist(), np.histogram(values, edges)[0].tolist())]
    if values:
        layers.append(Rule(float(np.mean(values)), "x", f"mean {np.mean(values):.2f}"))
    return chart(title, "% of the window", "windows", layers, size=_SIZE)


def _column(rows: Sequence[Row], name: str) -> list[float]:
    return [float(row[f"{name}_percent"]) for row in rows]
