"""What every reader has: a module of lvpipe/readers, loaded by the name in a cohort's entry.

It has besides what `lvpipe.study.StudyReader` or `lvpipe.given.EstimateReader` says. Arguments with a default of these
functions are the options of a cohort's entry; mypy holds each reader to its protocol (lvpipe/known_readers.py).
"""

from pathlib import Path
from typing import Any, Protocol

from lvpipe.cases import Labels, SourceCase


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
