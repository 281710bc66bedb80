"""Settings of the stage `score`: what is measured."""

from pydantic import Field

from lvpipe.config.base import Section


class ScoreSettings(Section):
    """Which measures, beyond those that are always there."""

    hausdorff: bool = Field(True, description="Whether dice.csv has the 95th percentile of surface distances.")
