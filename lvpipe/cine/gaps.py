"""Slices of the image that no source has: gaps filled, where the setting asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.cine.ledger import Ledger
from lvpipe.cine.stack import Stack, missing_after
from lvpipe.config.convert import ConvertSettings


@dataclass(frozen=True)
class Layer:
    """One slice of the image: a slice of the stack by its index, or (None) one interpolated in a gap."""

    position_mm: float
    slice: int | None


def fill_gaps(stack: Stack, settings: ConvertSettings, ledger: Ledger) -> list[Layer]:
    """The image's slices from base to apex, those of the stack alone unless `gaps` is `fill`."""
    positions = stack.positions_mm
    layers = [Layer(position, index) for index, position in enumerate(positions)]
    if settings.gaps == "keep":
        return layers
    missing = missing_after(np.array(positions))
    for (before, after), count in zip(pairwise(positions), missing, strict=True):
        for rank in range(1, count + 1):
            layers.append(Layer(before + (after - before) * rank / (count + 1), None))
            ledger.note("fill_gaps", "no slice here: interpolated from those beside it", layers[-1].position_mm)
    return sorted(layers, key=lambda layer: layer.position_mm)


def interpolated(cine_tzyx: NDArray[Any], layers: Sequence[Layer]) -> NDArray[Any]:
    """The cine with a slice for each layer, linear in position where none was acquired."""
    if len(layers) == cine_tzyx.shape[1]:
        return cine_tzyx
    filled_tzyx = _spread(cine_tzyx, layers, 0)
    known = [z for z, layer in enumerate(layers) if layer.slice is not None]
    for z in (z for z, layer in enumerate(layers) if layer.slice is None):
        below, above = max(k for k in known if k < z), min(k for k in known if k > z)
        share = (layers[z].position_mm - layers[below].position_mm) / (
            layers[above].position_mm - layers[below].position_mm
        )
        mixed = filled_tzyx[:, below] * (1 - share) + filled_tzyx[:, above] * share
        filled_tzyx[:, z] = mixed if cine_tzyx.dtype.kind == "f" else np.rint(mixed)
    return filled_tzyx


def spread_labels(labels_tzyx: NDArray[np.uint8], layers: Sequence[Layer], unknown: int) -> NDArray[np.uint8]:
    """Labels with a slice for each layer, `unknown` where none was acquired."""
    return labels_tzyx if len(layers) == labels_tzyx.shape[1] else _spread(labels_tzyx, layers, unknown)


def _spread(array_tzyx: NDArray[Any], layers: Sequence[Layer], blank: int) -> NDArray[Any]:
    frames, _, rows, columns = array_tzyx.shape
    spread_tzyx = np.full((frames, len(layers), rows, columns), blank, dtype=array_tzyx.dtype)
    for z, layer in enumerate(layers):
        if layer.slice is not None:
            spread_tzyx[:, z] = array_tzyx[:, layer.slice]
    return spread_tzyx
