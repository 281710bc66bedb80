"""Who is in a run: cases, patients, splits and folds, known from directory listings without opening an image."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

SPLITS = ("train", "validate", "test")
LEARNT_FROM = ("train", "validate")
"""Splits whose references may shape a forecast."""


@dataclass(frozen=True)
class SourceCase:
    """What a reader knows of a case from a listing alone.

    `name` is safe for a path (`[A-Za-z0-9.-]+`); `patient` is the source's canonical patient name, shared by all
    readers of that source; `split` is the source's own, "" where it declares none; `sources` are the files and
    folders, relative to the cohort's path, that hold the case.
    """

    name: str
    patient: str
    split: str
    sources: tuple[str, ...]


OLDEST_YEARS = 90.0
"""Ages above 89 are given as 90: few people are that old, and the age would tell who (HIPAA safe harbour)."""


@dataclass(frozen=True)
class Labels:
    """What a cohort's sheet says of a case: volumes an expert measured, age and sex; empty where the sheet is blank."""

    edv_ml: float | None = None
    esv_ml: float | None = None
    age_years: float | None = None
    sex: str = ""


def number(name: str) -> int:
    """A 64-bit number that depends on the name alone, the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def held_out(split: str, fold: int) -> str:
    """The fold that nothing may have learnt from which judges this patient; "all" where no fold has it."""
    return "all" if split == "test" else str(fold)


@dataclass(frozen=True)
class Case:
    """A case with its place in the run; `split` and `fold` follow from the patient, never from who else is there."""

    name: str
    cohort: str
    patient: str
    split: str
    fold: int
    sources: tuple[str, ...]

    @property
    def held_out(self) -> str:
        """The fold whose model never saw this patient; "all" where no model did."""
        return held_out(self.split, self.fold)


def place(source: SourceCase, cohort: str, prefix: str, folds: int, test_share: float) -> Case:
    """Give a source's case its split (the source's own, else by hash) and its fold."""
    split = source.split or _split(source.patient, test_share)
    fold = number(source.patient) % folds
    return Case(prefix + source.name, cohort, source.patient, split, fold, source.sources)


def shards(names: Iterable[str], size: int, prefix: str = "") -> dict[str, list[str]]:
    """Groups of at most `size` cases: a trie over the bits of their hashes, so that one more case changes one leaf."""
    members = sorted(names)
    if len(members) <= size:
        return {prefix or "all": members} if members else {}
    halves = ([name for name in members if f"{number(name):064b}"[len(prefix)] == bit] for bit in "01")
    return {
        key: leaf
        for bit, half in zip("01", halves, strict=True)
        for key, leaf in shards(half, size, prefix + bit).items()
    }


def _split(patient: str, test_share: float) -> str:
    """By a hash of its own, so that the test split is no function of the fold."""
    return "test" if number(f"split {patient}") < test_share * 2**64 else "train"
