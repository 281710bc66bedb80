"""Boxes by the corners of their pixels, as a test thinks of them."""

from lvpipe.boxes import Boxes
from lvpipe.config.window import Window


def boxes_at(*corners_px: tuple[int, int], side_px: int, pixel_mm: float = 1.0) -> Boxes:
    """A box for each slice, whose first pixel stands at its corner."""
    reach = (side_px - 1) / 2
    squares = tuple((top + reach, left + reach, float(side_px)) for top, left in corners_px)
    return Boxes("centre", pixel_mm, squares)


def window(side_px: int) -> tuple[str, str]:
    """The words of a command for a window of that many pixels of the view."""
    return "--window", Window(side_px=side_px).canonical()
