"""Settings of the stage `calibrate`: how sure we are."""

from typing import Literal

from pydantic import Field, PositiveFloat

from lvpipe.config.base import Section


class CalibrateSettings(Section):
    """The forecast of each volume around its point estimate."""

    forecaster: Literal["auto", "sigma_hat", "spread", "linear", "step", "mixture"] = Field(
        "auto",
        description="`sigma_hat`: a Gaussian whose spread follows from the slices' area errors. `linear`: a Gaussian "
        "about a straight line through out-of-fold estimates, as wide as they missed the references. `spread`: a "
        "Gaussian about the same line, as wide as the model itself says, times one of `factors`. `step`: no doubt at "
        "all. `mixture`: candidates that learn from all that is known of a study, weighed by nested cross-validation; "
        "`linear` with fewer than 50 references. `auto`: of models that are combined `mixture`; else `spread` where "
        "the model tells one, else `sigma_hat` where a cohort has contours, else `linear`.",
    )
    window: float = Field(
        0.02, gt=0, le=0.5, description="Half width of the window of predicted area fractions around a slice's own."
    )
    window_pairs: int = Field(20, ge=2, description="Fewest area pairs in a window; it widens to the nearest ones.")
    betas: tuple[PositiveFloat, ...] = Field(
        (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
        min_length=1,
        description="Factors of the summed variance; the out-of-fold volumes choose one (the paper: 0.5).",
    )
    factors: tuple[PositiveFloat, ...] = Field(
        (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0),
        min_length=1,
        description="Of `spread`: factors of the model's own standard deviation; the out-of-fold volumes choose one.",
    )
    shift: Literal["none", "scale"] = Field(
        "scale",
        description="Of `sigma_hat` and `step`; `scale`: estimates times the median out-of-fold ratio of reference to "
        "estimate. `none`: kept.",
    )
    sigma_floor_ml: float = Field(0.01, gt=0, description="Smallest spread of a forecast.")
