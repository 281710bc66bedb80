"""Small charts as SVG text: one pair of axes, layers upon it, and the same bytes for the same numbers.

By hand, since matplotlib costs each job 0.6 s of import and plotly each page 5 MB. A chart stands alone as a file and
may be pasted into HTML: it has no ids and no style sheet, so that two charts on a page cannot disturb each other.
What belongs to one page alone is in `pages/`.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

from lvpipe.charts.fields import Fields
from lvpipe.charts.layers import Bars, Dots, Identity, Layer, Line, Mark, Rule
from lvpipe.charts.svg import FAINT, INK, LETTER, Axes, Scale, px, text

__all__ = [
    "PALETTE",
    "Bars",
    "Dots",
    "Fields",
    "Identity",
    "Layer",
    "Line",
    "Mark",
    "Rule",
    "chart",
    "line_chart",
    "stack",
]

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito 2008: told apart with any colour vision, in print too."""

_GRID = "#e4e8ed"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_ROW = 20.0
_LEFT, _RIGHT, _FOOT = 52.0, 20.0, 44.0
_GAP = 20.0

_FROM_ZERO = 0.6
"""An axis starts at zero if its smallest value is below this share of the largest: volumes and losses read honestly."""

Range = tuple[float, float]


def line_chart(
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    *,
    marks: Sequence[Mark] = (),
    size: Range = (640, 360),
) -> str:
    """Lines over one axis, with words at points of interest."""
    return chart(title, x_label, y_label, [*lines, *marks], size=size)


def chart(
    title: str,
    x_label: str,
    y_label: str,
    layers: Sequence[Layer],
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
    x_words: Mapping[float, str] | None = None,
    y_words: Mapping[float, str] | None = None,
    size: Range = (640, 360),
) -> str:
    """A complete SVG: title, legend of the named layers, axes with round ticks, and the layers in order.

    Axes hold all finite values of all layers, unless a range is given; what lies outside it is cut off. `x_words` and
    `y_words` stand in the place of an axis's numbers: logarithms, or things that are no numbers.
    """
    width, height = size
    left = max([_LEFT, *(LETTER * 12 * len(word) + _GAP for word in (y_words or {}).values())])
    named = _coloured(layers)
    legend, rows = _legend([(layer.name, colour) for layer, colour in named if layer.name], width)
    top = _ROW * (bool(title) + rows) + 28
    across, down = width - left - _RIGHT, height - top - _FOOT
    axes = Axes(
        Scale(*(x_range or _range([x for layer in layers for x in layer.x], pad=0.03, from_zero=False)), across),
        Scale(
            *(y_range or _range([y for layer in layers for y in layer.y], pad=0.08, from_zero=True)),
            down,
            downwards=True,
        ),
    )
    overflow = "hidden" if x_range or y_range else "visible"
    head = text(title, 12, 20, colour=INK, bold=True) if title else ""
    body = "".join(layer.draw(axes, colour) for layer, colour in named)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {px(width)} {px(height)}" width="{px(width)}" '
        f'height="{px(height)}" role="img" aria-label="{escape(title or y_label)}" font-family="{escape(_FONT)}" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{head}'
        f'<g transform="translate(12,{px(_ROW * bool(title) + 20)})">{legend}</g>{text(y_label, 12, top - 10)}'
        f'<g transform="translate({px(left)},{px(top)})">{_frame(axes, x_label, x_words, y_words)}'
        f'<svg width="{px(across)}" height="{px(down)}" overflow="{overflow}">{body}</svg></g></svg>\n'
    )


def stack(charts: Sequence[str], size: Range, across: int = 1) -> str:
    """Charts of this one size as one picture: below one another, or as many as that side by side in each row."""
    width, height = size
    placed = "".join(
        one.replace("<svg", f'<svg x="{px(width * (i % across))}" y="{px(height * (i // across))}"', 1)
        for i, one in enumerate(charts)
    )
    right, foot = px(width * across), px(height * math.ceil(len(charts) / across))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {foot}" width="{right}" height="{foot}">'
    return f"{head}{placed}</svg>\n"


def _coloured(layers: Sequence[Layer]) -> list[tuple[Layer, str]]:
    """Each layer with its own colour, or else the palette's next."""
    colours, without = [], 0
    for layer in layers:
        colours.append((layer, layer.colour or PALETTE[without % len(PALETTE)]))
        without += not layer.colour
    return colours


def _legend(entries: Sequence[tuple[str, str]], width: float) -> tuple[str, int]:
    """Words beside their colours, in as many rows as they need; a single one needs none, the axis says what it is."""
    if len(entries) < 2:
        return "", 0
    parts, x, row = [], 0.0, 0
    for name, colour in entries:
        room = 30 + len(name) * LETTER * 12
        if x and x + room > width - 24:
            x, row = 0.0, row + 1
        y = row * _ROW
        parts.append(f'<rect x="{px(x)}" y="{px(y - 8)}" width="14" height="8" rx="2" fill="{colour}"/>')
        parts.append(text(name, x + 19, y, colour=INK))
        x += room
    return "".join(parts), row + 1


def _range(values: Sequence[float], *, pad: float, from_zero: bool) -> Range:
    """Room for all finite values; never of no width, so that a single value or none can be drawn."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = (high - low) * pad or abs(high) * 0.1 or 0.5
    if from_zero and 0 <= low < _FROM_ZERO * high:
        return 0.0, high + margin
    return low - margin, high + margin


def _frame(axes: Axes, x_label: str, x_words: Mapping[float, str] | None, y_words: Mapping[float, str] | None) -> str:
    """Grid, ticks and the label of the horizontal axis; the vertical one's stands above it, where it reads level."""
    down, across = axes.y.pixels, axes.x.pixels
    level, upright = _words(axes.y, y_words), _words(axes.x, x_words)
    grid = "".join(f"M0,{px(axes.y(tick))}H{px(across)}" for tick in level)
    grid += "".join(f"M{px(axes.x(tick))},0V{px(down)}" for tick in upright)
    words = "".join(text(word, -8, axes.y(tick) + 4, "end") for tick, word in level.items())
    words += "".join(text(word, axes.x(tick), down + 17, "middle") for tick, word in upright.items())
    ground = f'<path d="M0,{px(down)}H{px(across)}" stroke="{FAINT}"/>'
    return f'<path d="{grid}" stroke="{_GRID}"/>{ground}{words}{text(x_label, across / 2, down + 36, "middle")}'


def _words(scale: Scale, words: Mapping[float, str] | None) -> Mapping[float, str]:
    """What stands at which value of an axis: its own numbers, or the given words within its reach."""
    if words is not None:
        return {at: word for at, word in words.items() if scale.low <= at <= scale.high}
    ticks = scale.ticks()
    return {at: _tick(at, ticks) for at in ticks}


def _tick(value: float, ticks: Sequence[float]) -> str:
    """As many decimals as tell the ticks apart."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(value) or 1.0
    decimals = next((n for n in range(9) if abs(round(step, n) - step) < step * 1e-6), 9)
    return f"{value + 0.0:.{decimals}f}".replace("-0" if value == 0 else "\0", "0")
