"""The candidate that learns from all that is known of a study: a Gaussian process of the estimate's misses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import ndtr

from lvpipe.forecasting.candidates import FLOOR_ML
from lvpipe.forecasting.panels import Floats, Known, Rows
from lvpipe.forecasting.process import Process, Scale, condition, grouped, most_probable
from lvpipe.forecasting.shapes import FEATURES
from lvpipe.metrics import FORECAST_ML

_OWN = ("edv", "esv", "age", "male", "gap")
"""Features that have lengths of their own; all others share one."""

_NOISY: Final = (
    *("edv", "esv", "age", "male", "gap", "slices", "mended"),
    *("edv_apart", "esv_apart", "edv_spread", "esv_spread"),
)
"""Features that tell how far a volume may be off."""

_KERNEL = grouped(FEATURES, _OWN, _NOISY)

_UNIT_ML = 20.0
"""Misses are learnt in units of sqrt(V + 20 mL): those of large hearts are larger, of the smallest not nothing."""

_WIDTHS = (0.6, 0.8, 1.0, 1.3, 2.0, 4.0)
"""The same forecast so many times as wide: a mixture of them is as wide, and has tails as heavy, as the misses have."""


@dataclass(frozen=True, eq=False)
class Kernels:
    """A Gaussian process of the misses of the estimate over all features, with a noise that differs by case."""

    theta: Floats | None = None
    name: str = "process"

    @property
    def names(self) -> tuple[str, ...]:
        """One for each width."""
        return tuple(f"{self.name} x {width:g}" for width in _WIDTHS)

    def tuned(self, known: Known, /) -> "Kernels":
        """With the most probable lengths and parts."""
        return replace(
            self, theta=most_probable(_KERNEL, Scale.of(known.rows.features)(known.rows.features), _misses(known))
        )

    def fit(self, known: Known, /) -> "FittedKernels":
        """The process that has seen these."""
        tuned = self if self.theta is not None else self.tuned(known)
        assert tuned.theta is not None
        scale = Scale.of(known.rows.features)
        return FittedKernels(scale, condition(_KERNEL, tuned.theta, scale(known.rows.features), _misses(known)))


@dataclass(frozen=True, eq=False)
class FittedKernels:
    """Of `Kernels`."""

    scale: Scale
    process: Process

    def forecast(self, rows: Rows, /) -> Floats:
        """A Gaussian of every width."""
        means, sigmas = self.process.predict(self.scale(rows.features))
        unit = _unit_ml(rows)
        away = FORECAST_ML - (rows.estimates_ml + unit * means)[:, None]
        spreads = np.maximum(unit * sigmas, FLOOR_ML)[:, None]
        return np.stack([ndtr(away / (width * spreads)) for width in _WIDTHS])

    def summary(self) -> Mapping[str, object]:
        """The numbers of the kernel, as logarithms."""
        return {"theta": self.process.theta.tolist()}


def _unit_ml(rows: Rows) -> Floats:
    return np.sqrt(rows.estimates_ml + _UNIT_ML)


def _misses(known: Known) -> Floats:
    return np.asarray((known.volumes_ml - known.rows.estimates_ml) / _unit_ml(known.rows))
