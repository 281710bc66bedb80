"""Volumes that gradients flow through: areas at real positions to mL, what an error costs, and a volume's spread."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.beats import integrated_at
from lvpipe.config.integrate import IntegrateSettings
from lvpipe.volumes import MM3_PER_ML, SHARED_SPREAD, integrate_areas, merge_slices

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST_PRODUCT_MM4 = 1e-6
"""Of two neighbouring areas: below it the frustum's root is 0 and has no slope, which would be infinite at 0."""

_SMALLEST_SD_ML = 0.01
"""Of a forecast (Liao et al.): a smaller one is as good as none."""


def volume_ml(
    areas_mm2: "Tensor", positions_mm: NDArray[np.float64], settings: IntegrateSettings, thickness_mm: float
) -> "Tensor":
    """Volumes of areas `(..., z)` as `integrate_areas` has them.

    Areas below 0 count as they are, so that they can be unlearnt; under the frustum's root they are 0.
    """
    places_mm = integrated_at(positions_mm, thickness_mm, settings)
    total = areas_mm2 @ _like(areas_mm2, _weights_ml(places_mm, settings, thickness_mm))
    return total + _roots_ml(areas_mm2, places_mm) if settings.rule == "frustum" else total


def spread_ml(
    sds_mm2: "Tensor",
    positions_mm: NDArray[np.float64],
    settings: IntegrateSettings,
    thickness_mm: float,
    shared: "float | Tensor" = SHARED_SPREAD,
) -> "Tensor":
    """The volume's standard deviation, of those of areas `(..., z)`.

    `shared` is the share of each variance that all slices have in common: with 0 their errors are independent, with
    1 they are the same error. The frustum's spread is the trapezoid's: its root has no weights of its own.
    """
    linear = settings.model_copy(update={"rule": "trapezoid"}) if settings.rule == "frustum" else settings
    places_mm = integrated_at(positions_mm, thickness_mm, settings)
    parts_ml = sds_mm2 * _like(sds_mm2, _weights_ml(places_mm, linear, thickness_mm))
    variance = (1 - shared) * parts_ml.square().sum(dim=-1) + shared * parts_ml.sum(dim=-1).square()
    return variance.clamp(min=_SMALLEST_SD_ML**2).sqrt()


def l1(error_ml: "Tensor", scale_ml: float) -> "Tensor":
    """The error's size, as a share of the scale."""
    return error_ml.abs() / scale_ml


def l2(error_ml: "Tensor", scale_ml: float) -> "Tensor":
    """Its square."""
    return (error_ml / scale_ml).square()


def crps(error_ml: "Tensor", sd_ml: "Tensor", scale_ml: float) -> "Tensor":
    """The continuous ranked probability score of a normal forecast, as a share of the scale; `l1` without spread."""
    sd = sd_ml.clamp(min=_SMALLEST_SD_ML)
    z = error_ml / sd
    inside = z * torch.erf(z / math.sqrt(2)) + math.sqrt(2 / math.pi) * torch.exp(-z.square() / 2)
    return sd * (inside - 1 / math.sqrt(math.pi)) / scale_ml


def _weights_ml(
    places_mm: NDArray[np.float64], settings: IntegrateSettings, thickness_mm: float
) -> NDArray[np.float64]:
    """How many mL hang on one mm2 of each slice; of the frustum all but its roots, which one slice alone has not."""
    return integrate_areas(np.eye(len(places_mm)), places_mm, settings.rule, settings.end_caps, thickness_mm)


def _roots_ml(areas_mm2: "Tensor", places_mm: NDArray[np.float64]) -> "Tensor":
    shares, merged_mm = merge_slices(places_mm)
    areas = (areas_mm2 @ _like(areas_mm2, shares)).clamp(min=0)
    products = areas[..., :-1] * areas[..., 1:]
    roots = products.clamp(min=_SMALLEST_PRODUCT_MM4).sqrt() * (products > _SMALLEST_PRODUCT_MM4)
    return roots @ _like(areas_mm2, np.diff(merged_mm) / 3 / MM3_PER_ML)


def _like(tensor: "Tensor", numbers: NDArray[np.float64]) -> "Tensor":
    return torch.as_tensor(numbers, dtype=tensor.dtype, device=tensor.device)
