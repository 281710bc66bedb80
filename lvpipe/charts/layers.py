"""What can be laid on a chart's axes: lines, dots, bars, rules and marks, drawn as SVG in the plot's own pixels."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar, Literal, Protocol

from lvpipe.charts.svg import FAINT, INK, LETTER, Axes, nice, px, text

_HOVER_POINTS = 200
"""Longer lines get no tooltips: they would weigh more than the line."""


class Layer(Protocol):
    """What can be laid on axes. A layer with a name stands in the legend; one without a colour gets the next one."""

    @property
    def name(self) -> str:
        """Word in the legend, "" for none."""

    @property
    def colour(self) -> str:
        """A CSS colour, "" for the palette's next."""

    @property
    def x(self) -> Sequence[float]:
        """Values that the horizontal axis has to hold."""

    @property
    def y(self) -> Sequence[float]:
        """Values that the vertical axis has to hold."""

    def draw(self, axes: Axes, colour: str) -> str:
        """The layer as SVG, in pixels of the plot's own corner."""


@dataclass(frozen=True)
class Line:
    """Points joined in order, broken at NaN; `steps` holds each value until the next."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str = ""
    steps: bool = False
    dash: str = ""

    def draw(self, axes: Axes, colour: str) -> str:
        """A path, with a tooltip at every point."""
        dash = f' stroke-dasharray="{self.dash}"' if self.dash else ""
        path = f'<path d="{"".join(self._path(axes))}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        hover = self.x if len(self.x) <= _HOVER_POINTS and not self.steps else ()
        points = (
            f'<circle cx="{px(axes.x(x))}" cy="{px(axes.y(y))}" r="6" fill="{colour}" fill-opacity="0">'
            f"<title>{escape(self.name)} {nice(y)} at {nice(x)}</title></circle>"
            for x, y in zip(hover, self.y, strict=False)
            if axes.inside(x, y)
        )
        return path + "".join(points)

    def _path(self, axes: Axes) -> Iterator[str]:
        drawing = False
        for x, y in zip(self.x, self.y, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                drawing = False
                continue
            across, down = px(axes.x(x)), px(axes.y(y))
            if not drawing:
                yield f"M{across},{down}"
            else:
                yield f"H{across}V{down}" if self.steps else f"L{across},{down}"
            drawing = True


@dataclass(frozen=True)
class Dots:
    """Points with tooltips and links, and whiskers between the two values of `x_span` and `y_span` where given."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    titles: Sequence[str] = ()
    links: Sequence[str] = ()
    x_span: Sequence[tuple[float, float]] = ()
    y_span: Sequence[tuple[float, float]] = ()
    colour: str = ""

    def draw(self, axes: Axes, colour: str) -> str:
        """Whiskers first, so that no dot is crossed by a neighbour's."""
        shown = [i for i, (x, y) in enumerate(zip(self.x, self.y, strict=True)) if axes.inside(x, y)]
        whiskers = "".join(self._whisker(axes, i) for i in shown)
        dots = "".join(self._dot(axes, i) for i in shown)
        return f'<path d="{whiskers}" stroke="{colour}" stroke-opacity=".35"/><g fill="{colour}">{dots}</g>'

    def _whisker(self, axes: Axes, i: int) -> str:
        across, down, path = px(axes.x(self.x[i])), px(axes.y(self.y[i])), ""
        if self.y_span and math.isfinite(sum(self.y_span[i])):
            low, high = (px(axes.y(end)) for end in self.y_span[i])
            path += f"M{across},{low}V{high}"
        if self.x_span and math.isfinite(sum(self.x_span[i])):
            low, high = (px(axes.x(end)) for end in self.x_span[i])
            path += f"M{low},{down}H{high}"
        return path

    def _dot(self, axes: Axes, i: int) -> str:
        title = f"<title>{escape(self.titles[i])}</title>" if self.titles else ""
        place = f'cx="{px(axes.x(self.x[i]))}" cy="{px(axes.y(self.y[i]))}"'
        dot = f'<circle {place} r="4" fill-opacity=".75" stroke="#fff" stroke-width=".8">{title}</circle>'
        return f'<a href="{escape(self.links[i])}">{dot}</a>' if self.links and self.links[i] else dot


@dataclass(frozen=True)
class Bars:
    """A histogram: `edges` has one value more than `heights`."""

    name: str
    edges: Sequence[float]
    heights: Sequence[float]
    colour: str = ""

    @property
    def x(self) -> Sequence[float]:
        """The edges."""
        return self.edges

    @property
    def y(self) -> Sequence[float]:
        """The heights, and the ground on which they stand."""
        return [0.0, *self.heights]

    def draw(self, axes: Axes, colour: str) -> str:
        """Upright bars with a hair of space between them."""
        bars = zip(self.edges[:-1], self.edges[1:], self.heights, strict=True)
        return "".join(self._bar(axes, colour, *bar) for bar in bars)

    def _bar(self, axes: Axes, colour: str, left: float, right: float, height: float) -> str:
        top, ground = axes.y(height), axes.y(0)
        return (
            f'<rect x="{px(axes.x(left) + 0.5)}" y="{px(top)}" width="{px(axes.x(right) - axes.x(left) - 1)}" '
            f'height="{px(ground - top)}" fill="{colour}" fill-opacity=".8">'
            f"<title>{nice(left)} to {nice(right)}: {nice(height)}</title></rect>"
        )


@dataclass(frozen=True)
class Rule:
    """A straight line right across the plot at one value of one axis, with a word beside it.

    `lean` says at which end of a level line, on which side of an upright one (where there is room) the word stands.
    """

    at: float
    axis: Literal["x", "y"]
    text: str = ""
    colour: str = FAINT
    dash: str = "5 4"
    lean: Literal["", "left", "right"] = ""
    name: ClassVar[str] = ""

    @property
    def x(self) -> Sequence[float]:
        """The value, if it is one of the horizontal axis."""
        return [self.at] if self.axis == "x" else []

    @property
    def y(self) -> Sequence[float]:
        """The value, if it is one of the vertical axis."""
        return [self.at] if self.axis == "y" else []

    def draw(self, axes: Axes, colour: str) -> str:
        """The line; its word stands at the top of an upright line, at the right end of a level one."""
        if not math.isfinite(self.at):
            return ""
        place = getattr(axes, self.axis)(self.at)
        line = f'stroke="{colour}" stroke-width="1.5" stroke-dasharray="{self.dash}"/>'
        if self.axis == "y":
            end, anchor = (4.0, "start") if self.lean == "left" else (axes.x.pixels - 4, "end")
            word = text(self.text, end, place - 5, anchor, colour=colour, halo=True)
            return f'<path d="M0,{px(place)}H{px(axes.x.pixels)}" {line}{word}'
        reach = len(self.text) * LETTER * 12 + 6
        left = self.lean != "right" if place > axes.x.pixels / 2 else self.lean == "left"
        left = place > reach if left else place + reach > axes.x.pixels
        word = text(
            self.text, place - 6 if left else place + 6, 12, "end" if left else "start", colour=colour, halo=True
        )
        return f'<path d="M{px(place)},0V{px(axes.y.pixels)}" {line}{word}'


@dataclass(frozen=True)
class Identity:
    """The line on which both axes say the same."""

    name: ClassVar[str] = ""
    colour: ClassVar[str] = FAINT
    x: ClassVar[Sequence[float]] = ()
    y: ClassVar[Sequence[float]] = ()

    def draw(self, axes: Axes, colour: str) -> str:
        """From the first to the last value that both axes hold."""
        low, high = max(axes.x.low, axes.y.low), min(axes.x.high, axes.y.high)
        ends = [f"{px(axes.x(value))},{px(axes.y(value))}" for value in (low, high)]
        return f'<path d="M{ends[0]}L{ends[1]}" stroke="{colour}" stroke-dasharray="5 4"/>'


@dataclass(frozen=True)
class Mark:
    """One point with a word: above it in the upper half of the plot, else below."""

    at_x: float
    at_y: float
    text: str
    colour: str = INK
    name: ClassVar[str] = ""

    @property
    def x(self) -> Sequence[float]:
        """Its one place."""
        return [self.at_x]

    @property
    def y(self) -> Sequence[float]:
        """Its one place."""
        return [self.at_y]

    def draw(self, axes: Axes, colour: str) -> str:
        """A ring and its word, which leans inwards near the sides."""
        if not axes.inside(self.at_x, self.at_y):
            return ""
        across, down = axes.x(self.at_x), axes.y(self.at_y)
        reach = len(self.text) * LETTER * 6
        anchor = "start" if across < reach else "end" if across > axes.x.pixels - reach else "middle"
        below = axes.y.pixels / 2 < down < axes.y.pixels - 22
        word = text(self.text, across, down + (20 if below else -10), anchor, colour=colour, bold=True, halo=True)
        return (
            f'<circle cx="{px(across)}" cy="{px(down)}" r="4.5" fill="#fff" stroke="{colour}" stroke-width="2"/>{word}'
        )
