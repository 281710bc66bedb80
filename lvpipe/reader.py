"""What every reader has: a module of lvpipe/readers, loaded by the name in a cohort's entry.

It has besides what `lvpipe.study.StudyReader` or `EstimateReader` says. Arguments with a default of these
functions are the options of a cohort's entry; mypy holds each reader to its protocol (lvpipe/known_readers.py).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lvpipe.cases import Labels, SourceCase

if TYPE_CHECKING:  # what only given estimates need shall not be code of the case sheet
    from lvpipe.given import Given


class Reader(Protocol):
    """Who is in a cohort and what its tables say of them; the standard library is all that is imported with it."""

    @property
    def SHEETS(self) -> tuple[str, ...]:  # noqa: N802 a constant of a module
        """The tables that `read_labels` reads, relative to the cohort's path; each may be missing."""

    def list_cases(self, root: Path, *args: Any, **options: Any) -> list[SourceCase]:
        """The cases at a cohort's path, known from listings and tables alone: it runs when the workflow is parsed.

        Raises:
            UserError: a mistake in a table; it is told here, and not after the last job.
        """

    def read_labels(self, root: Path) -> dict[str, Labels]:
        """What the tables say of the cases, by the names that `list_cases` gives."""


class EstimateReader(Reader, Protocol):
    """A reader of estimates that another tool made; a table of them is what one model measured."""

    @property
    def GIVES(self) -> str:  # noqa: N802 a constant of a module
        """What a model of kind `given` makes to measure such a cohort: the reader's name."""

    def list_tables(self, root: Path, *args: Any, **options: Any) -> list[str]:
        """The names of the tables that are there; "" is the one without a name."""

    def find_table(self, root: Path, table: str, *args: Any, **options: Any) -> Path | None:
        """The file or folder of a table, None where there is none."""

    def cases_of(self, root: Path, table: str, *args: Any, **options: Any) -> set[str]:
        """The cases that a table knows."""

    def read_estimates(self, root: Path, table: str, *args: Any, **options: Any) -> Iterator[tuple[str, "Given"]]:
        """Every case of the cohort with what the table has of it, or with the reason why that is nothing."""
