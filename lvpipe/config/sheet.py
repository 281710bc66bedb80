"""What the case sheet depends on; apart from the entries of config.yaml, whose new keys shall convert nothing again."""

from lvpipe.config.base import Section


class PlacedCohort(Section):
    """What the case sheet needs of a cohort: where its tables are, and whether their volumes count."""

    name: str
    reader: str
    root: str
    prefix: str
    volumes: bool


class SheetOrder(Section):
    """What the case sheet depends on, besides the cases and their ledgers."""

    cohorts: tuple[PlacedCohort, ...]
