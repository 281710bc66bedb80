"""A chart of named values with their intervals, a line each."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lvpipe.charts import Dots, Rule, chart
from lvpipe.pages.markup import Html, fixed

_WIDE, _LINE, _FRAME = 580, 19, 112
"""Pixels: across, a line, and all that is above and below the lines."""


class Told(NamedTuple):
    """A value with the ends of its interval, NaN where they are not known."""

    name: str
    value: float
    low: float
    high: float


def ranking(title: str, axis: str, told: Sequence[Told], rule: float, digits: int) -> Html:
    """From top to bottom, about an upright line."""
    places = [-float(place) for place in range(len(told))]
    titles = [f"{one.name}: {_shown(one, digits)}" for one in told]
    dots = Dots("", [one.value for one in told], places, titles, x_span=[(one.low, one.high) for one in told])
    values = np.array([rule, *(number for one in told for number in one[1:])], float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    pad = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Html(
        chart(
            title,
            axis,
            "",
            [Rule(rule, "x"), dots],
            x_range=(low - pad, high + pad),
            y_range=(0.4 - max(len(told), 1), 0.6),
            y_words={at: one.name for at, one in zip(places, told, strict=True)},
            size=(_WIDE, _FRAME + _LINE * len(told)),
        )
    )


def _shown(one: Told, digits: int) -> str:
    """Without an interval the value alone."""
    if not math.isfinite(one.low + one.high):
        return fixed(one.value, digits)
    return f"{fixed(one.value, digits)} ({fixed(one.low, digits)} to {fixed(one.high, digits)})"
