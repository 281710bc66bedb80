"""Shaded rectangles behind what a chart shows: where things are as they should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lvpipe.charts.svg import Axes, px

Rectangle = tuple[float, float, float, float]
"""From x to x, from y to y."""


_EDGE = "#a9c4de"


@dataclass(frozen=True)
class Fields:
    """Rectangles in the plot; axes need not hold them, they are cut off at its border."""

    rectangles: Sequence[Rectangle]
    colour: str = "#dce9f5"
    edge: str = _EDGE
    name: ClassVar[str] = ""
    x: ClassVar[Sequence[float]] = ()
    y: ClassVar[Sequence[float]] = ()

    def draw(self, axes: Axes, colour: str) -> str:
        """All in one path."""
        corners = "".join(self._corners(axes, one) for one in self.rectangles)
        return f'<path d="{corners}" fill="{colour}" stroke="{self.edge}"/>'

    @staticmethod
    def _corners(axes: Axes, rectangle: Rectangle) -> str:
        left, right, low, high = rectangle
        xs = [px(min(max(axes.x(x), 0), axes.x.pixels)) for x in (left, right)]
        ys = [px(min(max(axes.y(y), 0), axes.y.pixels)) for y in (low, high)]
        return f"M{xs[0]},{ys[0]}H{xs[1]}V{ys[1]}H{xs[0]}z"
