"""From probabilities to the mask that is counted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.images import Image
from lvpipe.labels import CAVITY, MYOCARDIUM, Label

_WITHIN_FRAME = np.zeros((3, 3, 3), bool)
_WITHIN_FRAME[1, 1, :] = _WITHIN_FRAME[1, :, 1] = _WITHIN_FRAME[:, 1, 1] = True
"""Neighbours in (z, y, x) that share a face."""

_WITHIN_SLICE = _WITHIN_FRAME & np.array([False, True, False])[:, None, None]


def make_mask(probs: Mapping[Label, Image], settings: PostprocessSettings) -> Image:
    """The cavity, and around it the muscle, where a network tells of it."""
    prob = probs["cavity"]
    cavity = draw_cavity(prob, settings)
    mask = cavity.astype(np.uint8) * CAVITY
    if "myocardium" in probs:
        mask[draw_muscle(probs["myocardium"].array_tzyx, cavity, settings)] = MYOCARDIUM
    return Image(mask, prob.affine, prob.time_step_ms)


def draw_cavity(prob: Image, settings: PostprocessSettings) -> NDArray[np.bool_]:
    """Threshold, close, keep the wanted components, drop blank slices; in this order."""
    x_mm, y_mm, _ = prob.spacing_xyz_mm
    prob_tzyx = tempered(prob.array_tzyx, settings.temperature)
    drawn = prob_tzyx >= settings.threshold
    drawn = close_holes(drawn, settings.closing_mm, (y_mm, x_mm))
    drawn = keep_components(drawn, settings.components)
    return np.asarray(drawn & ~blank_slices(prob_tzyx, drawn, settings, x_mm * y_mm)[:, :, None, None])


def draw_muscle(prob_tzyx: NDArray[Any], cavity: NDArray[np.bool_], settings: PostprocessSettings) -> NDArray[np.bool_]:
    """What is muscle by the same threshold, is not cavity, and hangs together with the cavity of its slice."""
    either = cavity | (tempered(prob_tzyx, settings.temperature) >= settings.threshold)
    attached = np.stack([_touching(one, other) for one, other in zip(either, cavity, strict=True)])
    return np.asarray(attached & ~cavity)


def tempered(prob_tzyx: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Probabilities whose logits are divided by a temperature: above 1 they are less sure of themselves."""
    if temperature == 1:
        return prob_tzyx
    certain = np.clip(prob_tzyx, 0, 1)  # a stored byte times its slope may be a hair above 1
    yes, no = (part ** (1 / temperature) for part in (certain, 1 - certain))
    return np.asarray(yes / (yes + no))


def close_holes(drawn: NDArray[np.bool_], side_mm: float, spacing_yx_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Morphological closing of every image with a square of the given side; the image's border closes nothing."""
    size_y, size_x = (_odd(side_mm / step) for step in spacing_yx_mm)
    if size_y == size_x == 1:
        return drawn
    pad_y, pad_x = size_y // 2, size_x // 2
    padded = np.pad(drawn, ((0, 0), (0, 0), (pad_y, pad_y), (pad_x, pad_x)))
    # A square is separable: the maximum of maxima, then the minimum of minima.
    grown = ndimage.maximum_filter(padded, (1, 1, size_y, size_x), mode="constant", cval=0)
    closed = ndimage.minimum_filter(grown, (1, 1, size_y, size_x), mode="constant", cval=0)
    return np.asarray(closed[:, :, pad_y : closed.shape[2] - pad_y, pad_x : closed.shape[3] - pad_x])


def keep_components(drawn: NDArray[np.bool_], which: str) -> NDArray[np.bool_]:
    """All connected components, or the largest in each slice or in each frame's stack."""
    if which == "all":
        return drawn
    neighbours = _WITHIN_SLICE if which == "largest_in_slice" else _WITHIN_FRAME
    return np.stack([_largest(stack, neighbours, per_slice=which == "largest_in_slice") for stack in drawn])


def blank_slices(
    prob_tzyx: NDArray[Any], drawn: NDArray[np.bool_], settings: PostprocessSettings, pixel_mm2: float
) -> NDArray[np.bool_]:
    """Which images `(t, z)` hold too little cavity, or cavity that the network hardly believed in."""
    pixels = drawn.sum(axis=(2, 3))
    mean_prob = np.where(drawn, prob_tzyx, 0).sum(axis=(2, 3)) / np.maximum(pixels, 1)
    return np.asarray((pixels * pixel_mm2 < settings.blank_below_mm2) | (mean_prob < settings.blank_mean_prob))


def _touching(either_zyx: NDArray[np.bool_], cavity_zyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The components of each slice that hold some cavity."""
    names, _ = ndimage.label(either_zyx, _WITHIN_SLICE)
    return np.isin(names, np.unique(names[cavity_zyx]))


def _largest(stack_zyx: NDArray[np.bool_], neighbours: NDArray[np.bool_], *, per_slice: bool) -> NDArray[np.bool_]:
    names, found = ndimage.label(stack_zyx, neighbours)
    if found < 2:
        return stack_zyx
    if not per_slice:
        return np.asarray(names == 1 + np.argmax(np.bincount(names.ravel())[1:]))
    return np.stack([_largest_name(slice_yx) for slice_yx in names])


def _largest_name(names_yx: NDArray[Any]) -> NDArray[np.bool_]:
    sizes = np.bincount(names_yx.ravel())
    sizes[0] = 0
    return np.asarray((names_yx == np.argmax(sizes)) & (names_yx > 0))


def _odd(pixels: float) -> int:
    """The nearest odd number of pixels: an even square has no middle and would shift the mask."""
    return 2 * round((pixels - 1) / 2) + 1 if pixels > 1 else 1
