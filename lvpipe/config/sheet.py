"""What the case sheet depends on; apart from the entries of config.yaml, whose new keys shall convert nothing again."""

from typing import Any

from pydantic import Field

from lvpipe.config.base import Section


class PlacedCohort(Section):
    """What the case sheet needs of a cohort: where its tables are, and whether their volumes count.

    `tables` names the estimates that a cohort brings with it; one of cines has none and is told by its ledgers.
    """

    name: str
    reader: str
    root: str
    prefix: str
    volumes: bool
    tables: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)


class SheetOrder(Section):
    """What the case sheet depends on, besides the cases and their ledgers."""

    cohorts: tuple[PlacedCohort, ...]
