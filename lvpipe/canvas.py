"""Pictures for people: the paper, the ink and the lettering that all of them share.

Drawn with Pillow, which is loaded where something is drawn: whoever wants no picture pays nothing for it.
"""

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

GAP_PX = 14
TEXT_PX = 13
LINE_PX = 17
TITLE_PX = 20
LETTER_PX = 7
"""Width that a letter of the text needs on average, for wrapping."""

PAPER, INK, FAINT = "#16181d", "#f2f2f2", "#9aa0ab"

GREEN, AMBER, RED, PURPLE, BLUE, PINK = "#009e73", "#e69f00", "#d55e00", "#9a6fb0", "#56b4e9", "#cc79a7"
"""Okabe and Ito's colours, which most colour-blind people tell apart; words beside them say the same."""


def blank(width: int, height: int) -> "Image":
    """A sheet of paper."""
    from PIL import Image

    return Image.new("RGB", (width, height), PAPER)


def write(pen: "ImageDraw", text: str, left: int, top: int, colour: str, size_px: int = TEXT_PX) -> None:
    """One line of text."""
    pen.text((left, top), text, fill=colour, font=_letters(size_px))


def write_upon(pen: "ImageDraw", text: str, left: float, top: float, colour: str) -> None:
    """One line upon an image: with a dark edge, since what lies below may be as bright as the letters."""
    pen.text((left, top), text, fill=colour, font=_letters(TEXT_PX), stroke_width=2, stroke_fill=PAPER)


def as_png(sheet: "Image", level: int = 1) -> bytes:
    """The same bytes for the same picture."""
    stream = BytesIO()
    sheet.save(stream, "PNG", compress_level=level)
    return stream.getvalue()


def as_small_png(sheet: "Image") -> bytes:
    """Half as large: 64 greys, and the colours from full to faint, are all that a page needs."""
    from PIL import Image, ImageColor

    palette = [value for grey in range(0, 256, 4) for value in (grey,) * 3]
    for colour in (PAPER, INK, FAINT, GREEN, AMBER, RED, PURPLE, BLUE, PINK):
        palette += [value * part // 4 for part in (4, 3, 2, 1) for value in ImageColor.getrgb(colour)[:3]]
    few = Image.new("P", (1, 1))
    few.putpalette(palette)
    return as_png(sheet.quantize(palette=few, dither=Image.Dither.NONE), level=6)


def _letters(size_px: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size=size_px)
