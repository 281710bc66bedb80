"""Figures 9 and 10 of Liao et al. with our numbers: CRPS by error and sigma, its distribution, its expectation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.charts import Bars, Line, Rule, chart, stack
from lvpipe.charts.fields import Fields, Rectangle
from lvpipe.comparison.gaussians import SPREAD_ML
from lvpipe.comparison.sigma import Scores

_SIZE: Final = (460.0, 380.0)
_BANDS: Final = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")
"""From low to high CRPS, dark as it rises."""

_INK: Final = "#e69f00"
_BINS: Final = 25
_SHOWN_PERCENT: Final = 95
"""Of the scores without a spread: those of hearts that were missed would leave no room."""

Rows = Sequence[Mapping[str, object]]


def draw_sigma(scores: Scores, by_error: Rows, expected: Rows) -> str:
    """The three pictures side by side."""
    return stack([_draw_map(by_error), _draw_histogram(scores), _draw_expected(expected)], _SIZE, across=3)


def _draw_map(rows: Rows) -> str:
    """Bands of equal CRPS, and of every error the sigma that suits it best."""
    best = [row for row in rows if row["best"]]
    cells = [(_at(row, "d_ml"), _at(row, "sigma_ml"), _at(row, "crps")) for row in rows if not row["best"]]
    highest = max(value for *_, value in cells)
    bands: dict[int, list[Rectangle]] = {}
    for d, column in groupby(cells, key=lambda cell: cell[0]):
        for band, run in groupby(column, key=lambda cell: min(int(cell[2] / highest * len(_BANDS)), len(_BANDS) - 1)):
            sigmas = [sigma for _, sigma, _ in run]
            bands.setdefault(band, []).append((d - 0.5, d + 0.5, sigmas[0] - 0.5, sigmas[-1] + 0.5))
    fields = [Fields(bands[band], _BANDS[band], _BANDS[band]) for band in sorted(bands)]
    line = Line("", _column(best, "d_ml"), _column(best, "sigma_ml"), _INK)
    ranges = (0.0, _at(best[-1], "d_ml")), (0.0, max(sigma for _, sigma, _ in cells))
    title = f"CRPS, 0 to {highest:.3f} (dark); the line is the best sigma"
    axes = "error of the mean (mL)", "sigma (mL)"
    return chart(title, *axes, [*fields, line], x_range=ranges[0], y_range=ranges[1], size=_SIZE)


def _draw_histogram(scores: Scores) -> str:
    """The scores of the volumes of split train: bars for the chosen sigma-hat, lines for the other two."""
    train = np.array([volume.row.split == "train" for volume in scores.volumes])
    kinds = {"sigma 0": scores.zero, "sigma-hat": scores.hat[scores.chosen], "best sigma": scores.best}
    shown = {name: values[train] for name, values in kinds.items()}
    last = float(np.percentile(shown["sigma 0"], _SHOWN_PERCENT)) if train.any() else 0.0
    layers = list(_histograms(shown, np.linspace(0, last or 1.0, _BINS + 1)))
    return chart("CRPS of volumes, split train", "CRPS, the last bin with all above", "volumes", layers, size=_SIZE)


def _histograms(shown: Mapping[str, NDArray[np.float64]], edges: NDArray[np.float64]) -> Iterator[Bars | Line]:
    for name, values in shown.items():
        heights = np.histogram(np.minimum(values, edges[-1]), edges)[0].tolist()
        if name == "sigma-hat":
            yield Bars(name, edges.tolist(), heights)
        else:
            yield Line(name, edges.tolist(), [*heights, 0], steps=True)


def _draw_expected(rows: Rows) -> str:
    line = Line("", _column(rows, "sigma_ml"), _column(rows, "crps"))
    truth = Rule(SPREAD_ML, "x", f"spread of the volumes, {SPREAD_ML:g} mL")
    return chart("Expected CRPS", "sigma (mL)", "mean CRPS", [line, truth], size=_SIZE)


def _column(rows: Iterable[Mapping[str, object]], name: str) -> list[float]:
    return [_at(row, name) for row in rows]


def _at(row: Mapping[str, object], name: str) -> float:
    return float(str(row[name]))
