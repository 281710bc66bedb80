"""Pictures (PNG, TIFF, BMP, PPM) of single slices, with masks drawn on them as pictures of the same size."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.decoders.label_files import usable_labels
from lvpipe.geometry import Plane
from lvpipe.labels import BACKGROUND
from lvpipe.study import Frame, ImageFile, LabelFile, Note, Read, Unreadable

_MOST_PIXELS = 4096 * 4096
"""No MR image is larger; a picture that claims to be is not unpacked."""

_FORMATS = ("PNG", "TIFF", "BMP", "PPM")
"""Without loss, and by Pillow alone: some of its formats start other programs."""

_GREY = ("1", "L", "I;16", "I;16B", "I;16L", "I")


def read_frame(file: ImageFile, read: Read, slice_number: int, pixel_mm: float, slice_mm: float) -> list[Frame]:
    """Open a picture of one slice at one moment; slices lie `slice_mm` apart, the first most basal.

    Raises:
        Unreadable: it is no grey picture.
    """
    content = read(file.path)
    pixels_yx = read_pixels(content.data)
    labels_yx, notes = _labels(file, read, pixels_yx.shape)
    return [
        Frame(
            file=file,
            sha256=content.sha256,
            plane=_plane(slice_number * slice_mm, pixel_mm, pixels_yx.shape),
            pixels_yx=pixels_yx,
            instance=file.number,
            labels_yx=labels_yx,
            thickness_mm=slice_mm,
            notes=tuple(notes),
        )
    ]


def read_pixels(content: bytes) -> NDArray[Any]:
    """A picture's grey values as 8-bit or 16-bit integers, or as 32-bit where it has such.

    Raises:
        Unreadable: as for `read_frame`.
    """
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Unreadable(f"claims {picture.width} x {picture.height} pixels; expected an MR image")
            return _grey(np.asarray(picture.convert("L") if picture.mode == "1" else picture), picture.mode)
    except Unreadable:
        raise
    except Exception as error:  # what a damaged file makes a decoder raise has no bound
        raise Unreadable(f"not readable as a picture ({type(error).__name__})") from None


def _grey(pixels: NDArray[Any], mode: str) -> NDArray[Any]:
    """Colours only where they are all grey: which of three values an image means is not for us to choose."""
    if mode in _GREY:
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if mode in ("RGB", "RGBA") and (pixels[..., :3] == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    raise Unreadable(f"a picture in colours ({mode}); expected grey values")


def _plane(depth_mm: float, pixel_mm: float, shape_yx: tuple[int, ...]) -> Plane:
    """Axial directions stand in for those that pictures do not have; the apex lies in the direction of the slices."""
    rows, columns = shape_yx
    return Plane((0.0, 0.0, -depth_mm), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (pixel_mm, pixel_mm), (rows, columns))


def _labels(file: ImageFile, read: Read, shape_yx: tuple[int, ...]) -> tuple[NDArray[np.uint8] | None, list[Note]]:
    """All masks of the picture, later ones over earlier ones; None where none can be used."""
    drawn: NDArray[np.uint8] | None = None
    notes: list[Note] = []
    masks = usable_labels(file, read, "mask", lambda label, data: _mask(label, data, shape_yx), notes)
    for _, mask_yx in masks:
        drawn = mask_yx if drawn is None else np.where(mask_yx, mask_yx, drawn)
    return drawn, notes


def _mask(label: LabelFile, content: bytes, shape_yx: tuple[int, ...]) -> NDArray[np.uint8]:
    pixels_yx = read_pixels(content)
    if pixels_yx.shape != shape_yx:
        raise Unreadable(f"{pixels_yx.shape} pixels; expected {shape_yx}, as the image has")
    mask_yx = np.full(shape_yx, BACKGROUND, dtype=np.uint8)
    for value, meaning in label.values:
        mask_yx[pixels_yx == value] = meaning
    return mask_yx
