"""Entries of the lists `cohorts` and `models`: who is measured, and by what."""

from typing import Any, Literal

from pydantic import Field, field_validator

from lvpipe.config.base import PathName, Section

RESERVED = ("climatology", "expert")
"""Names of rows that stand beside the models' in tables and pages."""


class CohortEntry(Section):
    """Cases from one source."""

    name: PathName = Field(description="Name of the cohort in paths and tables.")
    reader: str = Field(description="Source layout: the name of a module in lvpipe/readers.")
    options: dict[str, Any] = Field(default_factory=dict, description="Arguments of that module's `read_study`.")
    path: str | None = Field(None, description="Folder of the source, relative to `data_root`.")
    phantom: str | None = Field(None, description="Instead of `path`: a cohort of section `phantom`, made here.")
    masks: bool = Field(False, description="Whether the source has contours or masks to learn from.")
    volumes: bool = Field(False, description="Whether the source has reference volumes.")
    test_share: float = Field(
        0.0, ge=0, le=1, description="Share of patients that are split `test` where the source declares no split."
    )
    prefix: str = Field("", pattern=r"^[A-Za-z0-9.-]*$", description="Put before every case name of this cohort.")


class Overrides(Section):
    """Settings of later stages that hold for one model alone."""

    train: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `train`.")
    segment: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `segment`.")
    postprocess: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `postprocess`.")
    integrate: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `integrate`.")
    calibrate: dict[str, Any] = Field(default_factory=dict, description="Overrides of section `calibrate`.")

    @field_validator("segment")
    @classmethod
    def _shards_are_everybodys(cls, changes: dict[str, Any]) -> dict[str, Any]:
        if "shard_cases" in changes:
            raise ValueError("shard_cases cannot differ between models, which share their shards: set it in `segment`")
        return changes


class ModelEntry(Section):
    """A network, what it sees and whom it learns from."""

    name: PathName = Field(description="Name of the model in paths and tables.")
    kind: Literal["draws"] = Field("draws", description="`draws`: makes probabilities.")
    view: str = Field(description="The view of section `resample` that it sees.")
    network: str = Field(description="Architecture: the name of a module in lvpipe/networks.")
    options: dict[str, Any] = Field(default_factory=dict, description="Arguments of that module's `build`.")
    makes: Literal["prob"] = Field("prob", description="What it makes of a cine.")
    masks: tuple[str, ...] = Field((), description="Cohorts whose masks it learns from.")
    overrides: Overrides = Field(default_factory=Overrides, description="Settings of later stages for this model.")

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"a model is called {name}, as a row of the tables is; expected another name")
        return name
