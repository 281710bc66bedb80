"""Settings of the stage `published`: whose figures stand beside ours."""

from typing import Literal

from pydantic import Field

from lvpipe.config.base import Section

Paper = Literal["hsin2016", "liao2017", "sinha2020"]
"""Names of tables in lvpipe/published."""


class PublishedSettings(Section):
    """Papers that a recipe reproduces."""

    papers: tuple[Paper, ...] = Field(
        (), description="Whose tables results/published.csv has, with our figures beside theirs; the recipe's own one."
    )
