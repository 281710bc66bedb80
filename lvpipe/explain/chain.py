"""From a result back to the sources: Snakemake's records, followed from output to inputs as far as a case goes."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lvpipe.explain.records import Record, Records
from lvpipe.files import file_sha256, read_table

CASE_SHEET = "results/convert/cases.csv"
_CLOCK_S = 2.0
"""Seconds by which a file's time may be past its job's end: file systems and machines keep time differently."""


@dataclass
class Step:
    """One file of the chain; `readers` are the files of the chain that were made from it."""

    file: str
    record: Record | None
    others: list[str] = field(default_factory=list)
    """Inputs that concern other cases alone; they are not followed."""
    readers: list["Step"] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a run lies, who is in it, and whose chain is asked for."""

    folder: Path
    case: str
    cases: tuple[str, ...]
    other_models: frozenset[str] = frozenset()

    def path(self, file: str) -> Path:
        """A file as rules name it, on the disk."""
        return self.folder / file


def read_cases(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of the case sheet by case; nothing where there is no sheet yet."""
    sheet = folder / CASE_SHEET
    return {row["case"]: row for row in read_table(sheet)} if sheet.is_file() else {}


def owner(file: str, cases: Sequence[str]) -> str | None:
    """The case whose file it is by its name: what stands before the first underscore."""
    name = Path(file).name.partition("_")[0]
    return name if name in cases else None


def walk(records: Records, target: str, place: Place) -> list[Step]:
    """The target first; every file stands after all that were made from it."""
    steps: dict[str, Step] = {}
    done: list[Step] = []

    def visit(file: str) -> Step:
        if file not in steps:
            step = steps[file] = Step(file, records.read(file))
            for source in step.record.inputs if step.record else ():
                if concerns(source, place):
                    visit(source).readers.append(step)
                else:
                    step.others.append(source)
            if _account_of(file, step.record, records):
                visit(_account_name(file))
            done.append(step)
        return steps[file]

    visit(target)
    return done[::-1]


def _account_name(file: str) -> str:
    return file.removesuffix(".nii.gz") + ".json"


def _account_of(file: str, record: Record | None, records: Records) -> bool:
    """Whether the job that made an image wrote an account of it beside it, as `convert` does: no step reads both."""
    beside = records.read(_account_name(file)) if file.endswith(".nii.gz") else None
    return record is not None and beside is not None and (beside.rule, beside.inputs) == (record.rule, record.inputs)


def concerns(file: str, place: Place) -> bool:
    """Whether a file may say something of this case: it is not another's, nor our table without a row of it."""
    if place.other_models.intersection(Path(file).parts):
        return False
    whose = owner(file, place.cases)
    if whose is not None:
        return whose == place.case
    # A source's own tables may know the case by another name than the run does.
    return not file.endswith(".csv") or not file.startswith("results/") or _in_table(place.path(file), place.case)


def _in_table(path: Path, case: str) -> bool:
    try:
        with path.open(newline="") as stream:
            rows = csv.DictReader(stream)
            return "case" not in (rows.fieldnames or ()) or any(row["case"] == case for row in rows)
    except (OSError, ValueError):
        return True


def hash_file(path: Path) -> str | None:
    """SHA-256 of a file's bytes; None for what is no file."""
    return file_sha256(path) if path.is_file() else None


def complaints(step: Step, place: Place, sha256: str | None) -> Iterator[str]:
    """What is wrong with a file of the chain, one line each; nothing where it is what the next steps read."""
    path = place.path(step.file)
    if not path.exists():
        yield f"{step.file} is gone"
    elif sha256 is not None:
        yield from _changes(step, path.stat().st_mtime, sha256)
    if step.record is None and step.file.startswith("results/"):
        yield f"{step.file}: Snakemake has no record of how it was made"


def hashes_kept(step: Step, place: Place) -> list[bool]:
    """For each link to what was made from this file, whether Snakemake kept the hash that was read; else times tell.

    Of a folder there are none: its files are compared with the ledger.
    """
    if not place.path(step.file).is_file():
        return []
    return [step.file in reader.record.checksums for reader in step.readers if reader.record is not None]


def _changes(step: Step, written: float, sha256: str) -> Iterator[str]:
    told = [line for reader in step.readers for line in _change_since(step.file, reader, written, sha256)]
    yield from told
    # Also where everything after it was made again: it is still not what its own rule made.
    if not told and step.record and written > step.record.ended + _CLOCK_S:
        yield f"{step.file} was written after {step.record.rule} had made it"


def _change_since(file: str, reader: Step, written: float, sha256: str) -> Iterator[str]:
    if reader.record is None:
        return
    if file in reader.record.checksums:
        if reader.record.checksums[file] != sha256:
            yield f"{file} changed since {reader.file} was made from it"
    elif written > reader.record.ended + _CLOCK_S:
        yield f"{file} is newer than {reader.file}, which was made from it (Snakemake kept no hash of it)"
