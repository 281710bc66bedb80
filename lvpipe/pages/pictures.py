"""Frames of a cine as small grey pictures with contours upon them."""

import base64
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.borders import borders
from lvpipe.pages.markup import Html, tag

GREYS = 64
"""Steps of grey. More cannot be seen in a thumbnail beside the noise of a cine, and would double the page's size."""

_DARKEST_PERCENT, _BRIGHTEST_PERCENT = 0.5, 99.5

_MOST_PIXELS = 160
"""Longer sides are averaged down: a thumbnail on a dense screen shows no more."""


@dataclass(frozen=True)
class Window:
    """The part of every image that is shown: `rows` and `columns` of pixels of `spacing_yx_mm`."""

    rows: slice
    columns: slice
    spacing_yx_mm: tuple[float, float]

    def cut(self, image_yx: NDArray[Any]) -> NDArray[Any]:
        """The window's part of an image, or of the last two axes of a stack."""
        return image_yx[..., self.rows, self.columns]

    @property
    def shape_yx(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def place_window(
    masks: Iterable[NDArray[np.bool_]], shape_yx: Sequence[int], spacing_yx_mm: tuple[float, float], crop_mm: float
) -> Window:
    """A square of `crop_mm` about the middle of all masks `(..., y, x)`, pushed inside the image."""
    total = np.zeros(tuple(shape_yx))
    for mask in masks:
        total += mask.reshape(-1, *total.shape).sum(axis=0)
    sides = []
    for axis, (size, step) in enumerate(zip(shape_yx, spacing_yx_mm, strict=True)):
        along = total.sum(axis=1 - axis)
        middle = float(along @ np.arange(size) / along.sum()) if along.any() else (size - 1) / 2
        length = min(size, max(1, round(crop_mm / step)))
        start = min(max(0, round(middle - (length - 1) / 2)), size - length)
        sides.append(slice(start, start + length))
    return Window(sides[0], sides[1], spacing_yx_mm)


def to_grey(frames: NDArray[Any]) -> NDArray[np.uint8]:
    """One slice's frames to 0..255 by percentiles of them all, so that ED and ES have the same contrast."""
    low, high = np.percentile(frames, (_DARKEST_PERCENT, _BRIGHTEST_PERCENT))
    share = np.clip((frames - low) / max(float(high - low), 1e-9), 0, 1)
    step = 255 // (GREYS - 1)
    return np.asarray(np.rint(share * (GREYS - 1)) * step, dtype=np.uint8)


def encode_png(grey_yx: NDArray[np.uint8]) -> bytes:
    """An 8-bit grey PNG: written by hand, since Pillow's import costs more than all pictures of a page."""
    height, width = grey_yx.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), grey_yx], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def contour_path(mask_yx: NDArray[np.bool_]) -> str:
    """The border of a mask as an SVG path, in halves of a pixel from the corner of the first one.

    The border runs midway between pixel centres, which are whole numbers in these units: short, and exact.
    """
    if not mask_yx.any():
        return ""
    return "".join(_loop_path(np.rint(2 * loop + 1).astype(int)[:, ::-1]) for loop in borders(mask_yx))


def box_path(middle_and_size: NDArray[np.float64], window: Window) -> str:
    """A box of a slice, in pixels of the whole image, as an SVG path in the units of `contour_path`."""
    row, column, height, width = middle_and_size
    top, left = 2 * (row - window.rows.start) + 1 - height, 2 * (column - window.columns.start) + 1 - width
    x, y, across, down = (round(float(value)) for value in (left, top, 2 * width, 2 * height))
    return f"M{x},{y}h{across}v{down}h{-across}z"


def draw_picture(grey_yx: NDArray[np.uint8], window: Window, contours: Sequence[tuple[str, str]], label: str) -> Html:
    """One picture with its contours, each a path and a class that gives it its colour."""
    height, width = grey_yx.shape
    small = _averaged(grey_yx)
    thin = height // small.shape[0]
    source = base64.b64encode(encode_png(small)).decode()
    size = {"width": 2 * thin * small.shape[1], "height": 2 * thin * small.shape[0]}
    image = tag("image", href=f"data:image/png;base64,{source}", preserveAspectRatio="none", **size)
    lines = (tag("path", d=path, class_=name) for path, name in contours if path)
    ratio = width * window.spacing_yx_mm[1] / (height * window.spacing_yx_mm[0])
    return tag(
        "svg",
        image,
        *lines,
        viewBox=f"0 0 {2 * width} {2 * height}",
        preserveAspectRatio="none",
        style=f"aspect-ratio:{ratio:.3f}",
        role="img",
        aria_label=label,
    )


def embedded(file: Path, label: str) -> Html:
    """A picture that lies among the results, as a part of the page."""
    source = base64.b64encode(file.read_bytes()).decode()
    return tag("img", src=f"data:image/png;base64,{source}", alt=label, class_="audit")


def _averaged(grey_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of square blocks of pixels, where there are too many of them; what fills no block is left out."""
    thin = -(-max(grey_yx.shape) // _MOST_PIXELS)
    if thin < 2:
        return grey_yx
    height, width = (length // thin for length in grey_yx.shape)
    blocks = grey_yx[: height * thin, : width * thin].reshape(height, thin, width, thin)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)


def _loop_path(points_xy: NDArray[np.int_]) -> str:
    """A closed loop; of points on one straight line only the ends are kept."""
    steps = np.diff(points_xy, axis=0)
    turns = np.flatnonzero((steps[1:] != steps[:-1]).any(axis=1)) + 1
    kept = np.concatenate([points_xy[:1], points_xy[turns], points_xy[-1:]])
    (x, y), moves = kept[0], np.diff(kept, axis=0)[:-1]
    return f"M{x},{y}l" + " ".join(f"{dx},{dy}" for dx, dy in moves) + "z"


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
