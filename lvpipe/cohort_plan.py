"""What the rules ask of the cohorts of a run: who is there, where their files lie, who reads them."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from lvpipe import provenance
from lvpipe.cases import Case, SourceCase, place
from lvpipe.config.base import NAME_PATTERN
from lvpipe.config.cohorts import CohortEntry
from lvpipe.config.schema import Config
from lvpipe.errors import UserError
from lvpipe.phantom.names import list_cases as list_phantoms
from lvpipe.phantom.names import list_sheets
from lvpipe.reader_options import accepted, check_options, load_reader
from lvpipe.sheet import format_cases

PHANTOM_ROOT = "results/phantom"


class CohortPlan:
    """The cohorts of a validated configuration and their cases, known when the workflow is parsed."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cohorts: dict[str, CohortEntry] = {cohort.name: cohort for cohort in config.cohorts}
        for cohort in config.cohorts:
            _check_reader(cohort)
            if self.gives(cohort.name) and (cohort.masks or cohort.phantom):
                raise UserError(
                    f"cohorts: {cohort.name}: reader {cohort.reader} brings estimates, no images; expected neither "
                    f"`masks` to learn from nor a `phantom`"
                )

    @cached_property
    def cases(self) -> dict[str, Case]:
        """Every case of the run by name, in the order of the cohorts."""
        found: dict[str, Case] = {}
        for cohort in self.config.cohorts:
            for case in self._listed(cohort):
                if not re.fullmatch(NAME_PATTERN, case.name) or case.name in self.cohorts:
                    raise UserError(
                        f"cohort {cohort.name}: the case name {case.name!r} cannot stand in a path; expected letters, "
                        f"digits, `.` and `-`, and no cohort's name: rename its folder, or give the cohort a `prefix`"
                    )
                if case.name in found:
                    raise UserError(
                        f"case {case.name} is in the cohorts {found[case.name].cohort} and {cohort.name}; "
                        f"expected a name once in a run: give one cohort a `prefix`"
                    )
                found[case.name] = case
        return found

    def gives(self, cohort: str) -> str:
        """What a cohort brings instead of cines: `areas` or `masks`; "" where it brings cines."""
        return str(getattr(self._reader(cohort), "GIVES", ""))

    @cached_property
    def cine_cohorts(self) -> list[str]:
        """The cohorts that enter at `convert`."""
        return [name for name in self.cohorts if not self.gives(name)]

    @cached_property
    def given_cohorts(self) -> list[str]:
        """The cohorts that enter at `integrate`, with estimates that another tool made."""
        return [name for name in self.cohorts if self.gives(name)]

    @cached_property
    def cines(self) -> list[str]:
        """The names of the cases that have a cine."""
        return [name for name, case in self.cases.items() if not self.gives(case.cohort)]

    def members(self, cohort: str) -> list[str]:
        """The names of a cohort's cases."""
        return [case.name for case in self.cases.values() if case.cohort == cohort]

    def drawn(self, cohort: str | None = None) -> list[str]:
        """The names of the cases with reference masks, of one cohort or of all."""
        return [
            name
            for name, case in self.cases.items()
            if self.cohorts[case.cohort].masks and cohort in (None, case.cohort)
        ]

    def reference_output(self, cohort: str) -> dict[str, str]:
        """The file of reference masks, where a cohort has them."""
        return {"reference": "results/convert/{case}_reference.nii.gz"} if self.cohorts[cohort].masks else {}

    def root(self, cohort: str) -> Path:
        """The folder that a cohort's sources are relative to."""
        entry = self.cohorts[cohort]
        if entry.phantom is not None:
            return Path(PHANTOM_ROOT) / entry.phantom
        return Path(self.config.data_root) / str(entry.path)

    def reader(self, cohort: str) -> str:
        """The module that reads a cohort's layout."""
        return f"lvpipe.readers.{self.cohorts[cohort].reader}"

    def reader_options(self, case: str) -> str:
        """The options of a cohort's reader and, over them, those of one case, as canonical JSON."""
        found = self.cases[case]
        return json.dumps(self.cohorts[found.cohort].options | found.options, sort_keys=True)

    def sources(self, case: str) -> list[str]:
        """The files and folders that hold a case."""
        return [str(self.root(self.cases[case].cohort) / source) for source in self.cases[case].sources]

    def fingerprint(self, case: str) -> str:
        """Changes inside a source folder, which Snakemake does not see; a phantom's folder has a rule that does."""
        if self.cohorts[self.cases[case].cohort].phantom is not None:
            return "phantom"
        return provenance.folder_fingerprint(Path(source) for source in self.sources(case))

    def sheets(self, cohort: str) -> list[str]:
        """The cohort-level tables of a source; of a real one those that exist."""
        entry, root = self.cohorts[cohort], self.root(cohort)
        if entry.phantom is not None:
            return [str(root / name) for name in self.phantom_sheets(entry.phantom)]
        return [str(root / name) for name in self._reader(cohort).SHEETS if (root / name).exists()]

    @property
    def phantoms(self) -> dict[str, str]:
        """The synthetic cohorts of this run, by name, each with its layout."""
        wanted = dict.fromkeys(entry.phantom for entry in self.config.cohorts if entry.phantom is not None)
        return {name: self.config.phantom.cohorts[name].layout for name in wanted}

    def phantom_sheets(self, name: str) -> list[str]:
        """The cohort-level tables of a synthetic cohort, relative to its root."""
        return list_sheets(self.config.phantom.cohorts[name])

    def phantom_order(self, name: str, case: str | None = None) -> str:
        """All that a synthetic cohort's sheets, or one case of it, depend on, as canonical JSON."""
        return self.config.phantom.order(name, case).canonical()

    def placed(self) -> list[str]:
        """Every case with its place, as `lvpipe.sheet.parse_cases` reads it."""
        return list(format_cases(self.cases.values()))

    def _reader(self, cohort: str) -> Any:
        return load_reader(self.cohorts[cohort].reader)

    def _listed(self, cohort: CohortEntry) -> Iterator[Case]:
        listed = self._sources(cohort)
        if not listed:
            raise UserError(
                f"cohort {cohort.name}: no cases in {self.root(cohort.name)}; "
                f"expected the layout that the reader {cohort.reader} knows (docs/readers.md)"
            )
        for source in listed:
            _check_places(cohort, source)
            yield place(source, cohort.name, cohort.prefix, self.config.folds, cohort.test_share)

    def _sources(self, cohort: CohortEntry) -> list[SourceCase]:
        reader = self._reader(cohort.name)
        if cohort.phantom is not None:
            phantom = self.config.phantom.cohorts[cohort.phantom]
            if phantom.layout != cohort.reader:
                raise UserError(
                    f"cohort {cohort.name}: reader is {cohort.reader}, its phantom's layout {phantom.layout}"
                )
            return list_phantoms(cohort.phantom, phantom)
        root = self.root(cohort.name)
        if not root.is_dir():
            raise UserError(
                f"cohort {cohort.name}: {root} is not a folder; expected the source in layout {cohort.reader}: "
                f"mend `path` in `cohorts`, or give --config data_root=..."
            )
        return list(reader.list_cases(root, **accepted(reader.list_cases, cohort.options)))


def _check_reader(cohort: CohortEntry) -> None:
    """Refuse unknown readers and options when the workflow is parsed."""
    try:
        check_options(load_reader(cohort.reader), cohort.options, whole_cohort=True)
    except UserError as error:
        raise UserError(f"cohorts: {cohort.name}: {error}") from None


def _check_places(cohort: CohortEntry, source: SourceCase) -> None:
    """Refuse what Snakemake takes for a wildcard, or cannot write down: such a case would fail far from its cause."""
    for part in source.sources:
        if set(part) & set("{}") or not part.isprintable():
            raise UserError(
                f"cohort {cohort.name}: {part!r} has a brace, or a character that is not text, which Snakemake cannot "
                f"take; rename it"
            )
