"""Settings of the stage `published`: whose figures stand beside ours."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from lvpipe.config.base import Section

Paper = Literal["hsin2016", "liao2017", "liao2017_sigma", "sinha2020"]
"""Names of tables in lvpipe/published."""

Share = Annotated[float, Field(gt=0, le=0.5)]
"""Half width of a window of area fractions."""


class SigmaStudy(Section):
    """What the spread of forecasts is worth, on one model's volumes (Liao et al., table III, figures 9 and 10)."""

    model: str = Field(
        "", description="Of whose volumes: a model with areas of slices, in a run with masks. Left out: no such study."
    )
    windows: tuple[Share, ...] = Field(
        (0.01, 0.02, 0.05, 0.1, 0.2), min_length=1, description="As `calibrate: window`; the paper has 0.05."
    )
    betas: tuple[PositiveFloat, ...] = Field(
        (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0), min_length=1, description="As `calibrate: betas`; the paper has 0.5."
    )


class PublishedSettings(Section):
    """Papers that a recipe reproduces."""

    papers: tuple[Paper, ...] = Field(
        (), description="Whose tables results/published.csv has, with our figures beside theirs; the recipe's own one."
    )
    sigma: SigmaStudy = Field(default_factory=SigmaStudy, description="The study of spreads.")
