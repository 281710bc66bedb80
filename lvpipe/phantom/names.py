"""Which cases a synthetic cohort has, known before any file exists. Standard library only: parsing waits for this."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lvpipe.cases import SPLITS, SourceCase, canonical_patient

if TYPE_CHECKING:
    from lvpipe.config.phantom import PhantomCohort

SHEET_OF_SUNNYBROOK = "scd_patientdata.csv"
"""The patient sheet of the public release."""


VOLUMES_OF_CASE = "volumes.json"
"""In the folder of a case of the Kaggle layout: its row of the sheet, which no reader knows.

What learns from the volumes of some cases need not wait for the sheet, which changes with every other case.
"""


def list_cases(name: str, cohort: "PhantomCohort") -> list[SourceCase]:  # noqa: ARG001 names repeat between cohorts
    """List what the reader of this layout would list from the written tree, in the same order."""
    return list(_kaggle(cohort) if cohort.layout == "kaggle" else _sunnybrook(cohort))


def list_sheets(cohort: "PhantomCohort") -> list[str]:
    """Name the cohort-level CSV files, relative to the cohort's root."""
    return [f"{split}.csv" for split in _splits(cohort)] if cohort.layout == "kaggle" else [SHEET_OF_SUNNYBROOK]


def find_case(name: str, cohort: "PhantomCohort", case: str) -> SourceCase:
    """Find one case by name; KeyError if the cohort has none such."""
    return {listed.name: listed for listed in list_cases(name, cohort)}[case]


def cases_up_to(cohort: "PhantomCohort", case: str) -> dict[str, int]:
    """Count the cases per split down to this one and no further: all of `cases` that its name and split depend on."""
    counts: dict[str, int] = {}
    for listed in list_cases("", cohort):
        split = listed.split or "all"
        counts[split] = counts.get(split, 0) + 1
        if listed.name == case:
            return counts
    raise KeyError(case)


def original_id(patient: str) -> str:
    """Name a Sunnybrook-like patient's contour folder: SCD9000101 -> SC-PH-0001."""
    return f"SC-PH-{patient[4:8]}"


def _splits(cohort: "PhantomCohort") -> list[str]:
    return [split for split in SPLITS if cohort.cases.get(split)]


def _kaggle(cohort: "PhantomCohort") -> Iterator[SourceCase]:
    study = cohort.first - 1
    for split in _splits(cohort):
        for _ in range(cohort.cases[split]):
            study += 1
            yield SourceCase(str(study), str(study), split, (f"{split}/{study}",))


def _sunnybrook(cohort: "PhantomCohort") -> Iterator[SourceCase]:
    for number in range(cohort.first, cohort.first + cohort.cases["all"]):
        name = f"SCD9{number:04d}01"
        sources = (f"SCD_IMAGES/{name}", f"SCD_ManualContours/{original_id(name)}")
        yield SourceCase(name, canonical_patient(original_id(name)), "", sources)
