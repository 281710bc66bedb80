"""The report's charts: each a few layers on the one pair of axes of `lvpipe.charts`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lvpipe.charts import Bars, Dots, Fields, Identity, Layer, Line, Mark, Rule, chart
from lvpipe.metrics import FORECAST_ML
from lvpipe.pages.markup import MINUS, Html, fixed

REFERENCE = "#e69f00"
MODELS = ("#1f8fe8", "#c94f9b", "#00a37a", "#8a6fd6", "#b5651d")
"""One a model, on white and on grey pictures alike; told apart from the reference with any colour vision."""

GROUPS = {"test": "#d55e00", "validate": "#009e73", "train": "#0072b2", "fallback": "#9aa5b1"}

_SQUARE = (400, 400)
_WIDE = (400, 290)
_CERTAIN = (0, 1.2)
"""Room above certainty for the words of upright lines."""

_LIMITS = 1.96
"""Limits of agreement (Bland and Altman 1986) hold 95 % of differences, if they are Gaussian."""


@dataclass(frozen=True)
class Point:
    """One case in a comparison; `span` is the forecast's central interval, NaN where there is none."""

    group: str
    reference: float
    estimate: float
    title: str
    link: str
    span: tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One model's volume curve and the frames that it calls ED and ES."""

    times_ms: Sequence[float]
    volumes_ml: Sequence[float]
    frames: Mapping[str, int]
    colour: str

    def marks(self, *, named: bool) -> Iterator[Mark]:
        """Rings at the two frames; words only where no other curve is in the way."""
        for word, frame in self.frames.items():
            if frame < len(self.times_ms):
                place = self.times_ms[frame], self.volumes_ml[frame]
                yield Mark(*place, f"{word} {fixed(place[1])}" if named else "", self.colour)


def scatter(title: str, unit: str, points: Sequence[Point], classes: Sequence[float] = ()) -> Html:
    """Estimate against reference, on equal axes, about the line on which they agree.

    Squares on that line are where both are between the same two of `classes`.
    """
    ends = [value for point in points for value in (point.reference, point.estimate)] or [0.0, 1.0]
    high = max(ends) * 1.06 or 1.0
    low = min(0.0, *ends)
    squares = Fields([(a, b, a, b) for a, b in pairwise(classes)])
    layers: list[Layer] = [squares, Identity(), *_groups(points, difference=False)]
    limits = (low, high)
    axes = f"reference ({unit})", f"estimate ({unit})"
    return Html(chart(title, *axes, layers, x_range=limits, y_range=limits, size=_SQUARE))


def bland_altman(title: str, unit: str, points: Sequence[Point]) -> Html:
    """Differences against means, with their bias and limits of agreement."""
    layers: list[Layer] = _groups(points, difference=True)
    differences = np.array([point.estimate - point.reference for point in points])
    if len(differences) > 1:
        bias, spread = float(differences.mean()), _LIMITS * float(differences.std(ddof=1))
        words = {bias: f"bias {fixed(bias)}", bias + spread: fixed(bias + spread), bias - spread: fixed(bias - spread)}
        layers = [*(Rule(at, "y", word) for at, word in words.items()), *layers]
    return Html(chart(title, f"mean of both ({unit})", f"estimate {MINUS} reference ({unit})", layers, size=_SQUARE))


def coverage(title: str, observed: Mapping[str, Sequence[tuple[float, float]]]) -> Html:
    """How often references lie in central intervals, by split: on the line, doubt is as large as it says."""
    lines = [
        Line(group, [share for share, _ in pairs], [seen for _, seen in pairs], GROUPS.get(group, ""))
        for group, pairs in observed.items()
    ]
    layers: list[Layer] = [Identity(), *lines]
    axes = "central interval of the forecast", "share of references within"
    return Html(chart(title, *axes, layers, x_range=(0, 1), y_range=(0, 1), size=_WIDE))


def pit_histogram(title: str, heights: Sequence[float], colour: str) -> Html:
    """Where references fall in their forecasts; level if the forecasts are calibrated."""
    edges = [place / len(heights) for place in range(len(heights) + 1)]
    layers: list[Layer] = [Bars("", edges, heights, colour), Rule(sum(heights) / len(heights), "y", "if calibrated")]
    axes = "forecast probability at the reference", "references"
    return Html(chart(title, *axes, layers, x_range=(0, 1), size=_WIDE))


def reliability_diagram(title: str, diagrams: Mapping[str, Sequence[tuple[float, float]]]) -> Html:
    """The share that came true of what was given each chance; on the line as much as was said."""
    lines = [Line(name, [x for x, _ in points], [y for _, y in points]) for name, points in diagrams.items()]
    axes = "chance that was given", "share that came true"
    return Html(chart(title, *axes, [Identity(), *lines], x_range=(0, 1), y_range=(0, 1), size=_WIDE))


def volume_curves(curves: Mapping[str, Curve], references_ml: Mapping[str, float], across: str) -> Html:
    """All models' volume curves with their two frames, and the reference volumes as level lines."""
    layers: list[Layer] = [
        Line(model, curve.times_ms, curve.volumes_ml, curve.colour) for model, curve in curves.items()
    ]
    layers += [
        Rule(volume, "y", f"reference {word} {fixed(volume)}", REFERENCE, lean="left" if word == "ESV" else "right")
        for word, volume in references_ml.items()
        if math.isfinite(volume)
    ]
    layers += [mark for curve in curves.values() for mark in curve.marks(named=len(curves) == 1)]
    return Html(chart("Volume over the cycle", across, "cavity (mL)", layers, size=_WIDE))


def forecast_steps(
    forecasts: Sequence[tuple[str, str, NDArray[np.float64]]], references_ml: Mapping[str, float]
) -> Html:
    """Distribution functions `(name, colour, P)` where they rise, and the references as upright lines."""
    spans = [_rise(steps) for _, _, steps in forecasts]
    known = {word: volume for word, volume in references_ml.items() if math.isfinite(volume)}
    low = min([start for start, _ in spans] + list(known.values()), default=0.0)
    high = max([end for _, end in spans] + list(known.values()), default=1.0)
    pad = max(5.0, 0.06 * (high - low))
    layers: list[Layer] = [
        Line(name, FORECAST_ML[int(a) : int(b) + 1].tolist(), steps[int(a) : int(b) + 1].tolist(), colour, steps=True)
        for (name, colour, steps), (a, b) in zip(forecasts, spans, strict=True)
    ]
    layers += [
        Rule(volume, "x", f"{word} {fixed(volume)}", REFERENCE, lean="left" if word == "ESV" else "right")
        for word, volume in known.items()
    ]
    limits = (low - pad, high + pad)
    return Html(
        chart(
            "Forecasts", "volume (mL)", "probability of at most", layers, x_range=limits, y_range=_CERTAIN, size=_WIDE
        )
    )


def area_profile(lines: Sequence[Line]) -> Html:
    """Cavity areas along the stack."""
    return Html(
        chart("Areas along the stack", "position (mm)", "cavity (cm²), solid: ED, dashed: ES", lines, size=_WIDE)
    )


def training_curves(title: str, lines: Sequence[Line]) -> Html:
    """One line a fold."""
    return Html(chart(title, "epoch", "watched score", lines, size=_WIDE))


def _rise(steps: NDArray[np.float64]) -> tuple[float, float]:
    """The millilitres between which a distribution function leaves 0 and reaches 1."""
    low = int(np.searchsorted(steps, 0.002))
    high = int(np.searchsorted(steps, 0.998))
    return float(max(0, low - 1)), float(min(len(steps) - 1, high + 1))


def _groups(points: Sequence[Point], *, difference: bool) -> list[Layer]:
    return [_dots(group, [p for p in points if p.group == group], difference) for group in _present(points)]


def _present(points: Sequence[Point]) -> list[str]:
    """Groups in the order of their colours: a page's legends then agree."""
    return sorted({point.group for point in points}, key=lambda group: [*GROUPS, group].index(group))


def _dots(group: str, points: Sequence[Point], difference: bool) -> Dots:
    x = [(p.reference + p.estimate) / 2 if difference else p.reference for p in points]
    y = [p.estimate - p.reference if difference else p.estimate for p in points]
    titles, links = [p.title for p in points], [p.link for p in points]
    spans = () if difference else [p.span for p in points]
    return Dots(group, x, y, titles, links, y_span=spans, colour=GROUPS.get(group, ""))
