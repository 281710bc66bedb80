"""Settings of the stage `report`: the pages."""

from pydantic import Field

from lvpipe.config.base import Section


class ReportSettings(Section):
    """What the pages show."""

    title: str = Field("Left-ventricle volumes", description="Heading of the page.")
    crop_mm: float = Field(110.0, gt=10, description="Side of the square around the cavity in every picture.")
    cases: int = Field(60, ge=0, description="Most cases shown with pictures; those with the worst CRPS first.")
