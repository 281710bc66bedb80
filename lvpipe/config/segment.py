"""Settings of the stage `segment`: how a trained network is applied."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from lvpipe.config.base import each_once
from lvpipe.config.network_job import NetworkJob
from lvpipe.turns import SETS, TURNS, Turn, TurnName


class SegmentSettings(NetworkJob):
    """Shards of cases, batches of images, and how often a network looks."""

    shard_cases: int = Field(16, ge=1, description="Most cases in one job; the models are loaded once for all of them.")
    batch_images: int = Field(64, ge=1, description="Images in one forward pass.")
    turns: Literal["none", "mirrors", "all"] | Annotated[tuple[TurnName, ...], Field(min_length=1)] = Field(
        "none",
        description="Ways in which a network sees each image, its probabilities averaged: `none`, as it is; `mirrors`, "
        "the 4 with rows and columns as they are; `all` 8, with quarter turns; or a list of them. No pixel is "
        "interpolated.",
    )

    @field_validator("turns")
    @classmethod
    def _each_once(cls, turns: str | tuple[TurnName, ...]) -> str | tuple[TurnName, ...]:
        return turns if isinstance(turns, str) else each_once(turns)

    @property
    def ways(self) -> tuple[Turn, ...]:
        """The turns that are meant."""
        return SETS[self.turns] if isinstance(self.turns, str) else tuple(TURNS[name] for name in self.turns)
