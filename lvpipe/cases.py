"""Who is in a run: cases, patients, splits and folds, known from directory listings without opening an image."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validate", "test")
LEARNT_FROM = ("train", "validate")
"""Splits whose references may shape a forecast."""


@dataclass(frozen=True)
class SourceCase:
    """What a reader knows of a case from a listing alone.

    `name` is safe for a path (`[A-Za-z0-9.-]+`); `patient` is the source's canonical patient name, shared by all
    readers of that source; `split` is the source's own, "" where it declares none; `sources` are the files and
    folders, relative to the cohort's path, that hold the case. `options` are arguments of the reader's `read_study`
    that hold for this case alone, as JSON; they stand in its ledger, so nothing personal may be among them.
    """

    name: str
    patient: str
    split: str
    sources: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


NO_ESTIMATE = "no table: the source has no estimate of this case"
"""Why a case of a cohort that brings its estimates has none."""

OLDEST_YEARS = 90.0
"""Ages above 89 are given as 90: few people are that old, and the age would tell who (HIPAA safe harbour)."""


@dataclass(frozen=True)
class Labels:
    """What a cohort's sheet says of a case: volumes an expert measured, age and sex; empty where the sheet is blank.

    `left_out` says why the volumes that it states are not taken (`lvpipe.reference_volumes`).
    """

    edv_ml: float | None = None
    esv_ml: float | None = None
    age_years: float | None = None
    sex: str = ""
    left_out: str = ""


_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,79}")
_READABLE = 40
"""Most characters of an unsafe name that stay: with a hash, a prefix and a stage's ending it fits any disk."""


def safe_name(text: str) -> str:
    """A name from outside, fit to stand in a path: unchanged where it is, else what is readable of it and a hash.

    The hash is of the whole text, so that no two names become one.
    """
    if _SAFE.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", plain).strip("-.")[:_READABLE].rstrip("-.")
    return "-".join(
        part for part in (readable, hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:6]) if part
    )


def canonical_patient(name: str) -> str:
    """A patient's name with no zeros before its number: releases of one source have SC-HF-I-1 and SC-HF-I-01."""
    return re.sub(r"(?<=-)0+(?=\d+$)", "", name)


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
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def held_out(self) -> str:
        """The fold whose model never saw this patient; "all" where no model did."""
        return held_out(self.split, self.fold)


def place(source: SourceCase, cohort: str, prefix: str, folds: int, test_share: float) -> Case:
    """Give a source's case its split (the source's own, else by hash) and its fold."""
    split = source.split or _split(source.patient, test_share)
    fold = number(source.patient) % folds
    return Case(prefix + source.name, cohort, source.patient, split, fold, source.sources, source.options)


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
