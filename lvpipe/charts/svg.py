"""What every layer of a chart is drawn with: pixels and words as SVG text, and scales from values to pixels."""

import math
from dataclasses import dataclass
from html import escape

INK, FAINT = "#1f2933", "#5f6c7b"

LETTER = 0.56
"""Mean width of a letter in font sizes: text cannot be measured without a font."""


def px(value: float) -> str:
    """A pixel as text: a tenth is finer than any screen, and the same on every machine."""
    shown = f"{value:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown


def nice(value: float) -> str:
    """A value for a reader: four digits, no exponent for what a heart can be."""
    return f"{value:.4g}"


def text(
    words: str,
    x: float,
    y: float,
    anchor: str = "start",
    *,
    colour: str = FAINT,
    bold: bool = False,
    halo: bool = False,
) -> str:
    """Words at a point; a halo keeps them readable across lines."""
    if not words:
        return ""
    weight = ' font-weight="600"' if bold else ""
    glow = ' stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    place = f'x="{px(x)}" y="{px(y)}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}"{weight}{glow}>{escape(words)}</text>'


_APART_ACROSS, _APART_DOWN = 56, 38
"""Fewest pixels between two ticks: numbers of four digits must not touch."""


@dataclass(frozen=True)
class Scale:
    """One axis: values from `low` to `high` along `pixels`, which run downwards for the vertical one."""

    low: float
    high: float
    pixels: float
    downwards: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.pixels * (1 - share if self.downwards else share)

    def ticks(self) -> list[float]:
        """Round values along the axis, as many as have room."""
        step = _round_step((self.high - self.low) * (_APART_DOWN if self.downwards else _APART_ACROSS) / self.pixels)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


@dataclass(frozen=True)
class Axes:
    """The two scales that a layer draws upon."""

    x: Scale
    y: Scale

    def inside(self, x: float, y: float) -> bool:
        """Whether a point stands within the plot; never true of NaN."""
        return self.x.low <= x <= self.x.high and self.y.low <= y <= self.y.high


def _round_step(step: float) -> float:
    """The next of 1, 2, 5 or 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * (1 - 1e-9))
