"""MATLAB files of LVQuan: the frames of one mid-ventricular slice, and the borders that were drawn on each.

Arrays are as MATLAB shows them: rows (y), columns (x), frames. Nothing in these files says where the slice lies.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.decoders.mat5 import read_arrays
from lvpipe.decoders.values import real_values
from lvpipe.geometry import Plane
from lvpipe.labels import BACKGROUND, CAVITY, MYOCARDIUM
from lvpipe.study import Frame, ImageFile, Note, Read, Unreadable

_IMAGES = ("image", "images_LV", "images_LV_30")
_INNER, _OUTER = ("endo", "endo_LV"), ("epi", "epi_LV")
_PIXEL = ("pix_spacing", "pix_spa")
_SHRUNK = ("ratio_resize_inverse", "ratio_resize_back", "ratio")
"""By how much the pixels of 2018 are larger than those of `pix_spa`: images were cut out and shrunk to 80 x 80."""

_PIXEL_MM = (0.3, 10.0)
_WANTED = (*_IMAGES, *_INNER, *_OUTER, *_PIXEL, *_SHRUNK)


def read_frames(file: ImageFile, read: Read, subject: int | None, per_subject: int, slice_mm: float) -> list[Frame]:
    """Open a file of one subject, or take one (from 0) out of a file of many with `per_subject` frames each.

    Raises:
        Unreadable: it is no MATLAB file of version 7 or below, or lacks images or the size of a pixel.
    """
    content = read(file.path)
    found = read_arrays(content.data, _WANTED)
    stored = _needed(found, _IMAGES)
    own = _own_frames(stored, subject, per_subject)
    images, notes = real_values(stored[:, :, own])
    rows, columns, frames = images.shape
    pixel_mm = _pixel_mm(found, subject, stored.shape[2] // per_subject)
    plane = Plane((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (pixel_mm, pixel_mm), (rows, columns))
    labels = _labels(found, own, images.shape, notes)
    return [
        Frame(
            file=file,
            sha256=content.sha256,
            plane=plane,
            pixels_yx=images[:, :, t],
            instance=t + 1,
            labels_yx=labels[t],
            thickness_mm=slice_mm,
            notes=tuple(notes),
        )
        for t in range(frames)
    ]


def _needed(found: dict[str, NDArray[Any]], names: tuple[str, ...]) -> NDArray[Any]:
    array = _first(found, names)
    if array is None:
        raise Unreadable(f"no variable {' or '.join(names)}")
    return array


def _first(found: dict[str, NDArray[Any]], names: tuple[str, ...]) -> NDArray[Any] | None:
    """The first of these variables that holds numbers."""
    return next((found[name] for name in names if name in found and found[name].size), None)


def _own_frames(stored: NDArray[Any], subject: int | None, per_subject: int) -> slice:
    """Which frames are the subject's."""
    if stored.ndim != 3:
        raise Unreadable(f"an array of shape {stored.shape}; expected rows, columns and frames")
    if subject is None:
        return slice(None)
    if (subject + 1) * per_subject > stored.shape[2]:
        raise Unreadable(f"subject {subject + 1} of {stored.shape[2]} frames; expected {per_subject} a subject")
    return slice(subject * per_subject, (subject + 1) * per_subject)


def _pixel_mm(found: dict[str, NDArray[Any]], subject: int | None, subjects: int) -> float:
    pixel_mm = _of_subject(_needed(found, _PIXEL), subject, subjects)
    shrunk = _first(found, _SHRUNK)
    if shrunk is not None:
        pixel_mm *= _of_subject(shrunk, subject, subjects)
    if not _PIXEL_MM[0] <= pixel_mm <= _PIXEL_MM[1]:
        raise Unreadable(f"pixels of {pixel_mm:g} mm; expected {_PIXEL_MM[0]:g} to {_PIXEL_MM[1]:g}")
    return pixel_mm


def _of_subject(values: NDArray[Any], subject: int | None, subjects: int) -> float:
    """The subject's number, where there is one for each subject or for each frame of each."""
    flat = np.asarray(values, dtype=np.float64).flatten(order="F")
    if subject is None or flat.size == 1:
        return float(flat[0])
    if flat.size % subjects:
        raise Unreadable(f"{flat.size} values for {subjects} subjects; expected one for each, or for each frame")
    return float(flat[subject * (flat.size // subjects)])


def _labels(
    found: dict[str, NDArray[Any]], own: slice, shape: tuple[int, ...], notes: list[Note]
) -> list[NDArray[np.uint8] | None]:
    """The muscle is what the outer border encloses and the inner one does not; None for frames without a cavity."""
    inner, outer = _first(found, _INNER), _first(found, _OUTER)
    if inner is None:
        return [None] * shape[2]
    outer = inner if outer is None else outer
    if inner.ndim == outer.ndim == 3:
        inner, outer = inner[:, :, own], outer[:, :, own]
    if not inner.shape == outer.shape == shape:
        notes.append(Note("drop_labels", f"masks of shape {inner.shape} and {outer.shape}; expected {shape}; dropped"))
        return [None] * shape[2]
    labels = np.full(shape, BACKGROUND, dtype=np.uint8)
    labels[outer > 0] = MYOCARDIUM
    labels[inner > 0] = CAVITY
    return [labels[:, :, t] if (labels[:, :, t] == CAVITY).any() else None for t in range(shape[2])]
