"""What a run's folder holds: files by their bytes, and what Snakemake has written down about them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from lvpipe import upkeep
from lvpipe.record_names import INCOMPLETE, METADATA, output_of

TIMESTAMP = ".snakemake_timestamp"  # Snakemake's own, in folders that are outputs


def contents(results: Path) -> dict[str, str]:
    """The digest of every file under its final name, by path below `results`."""
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.name != TIMESTAMP and not is_scratch(path.relative_to(results))
    }


def is_scratch(path: Path) -> bool:
    """Whether this is, or is inside, something that was never finished."""
    return any(map(upkeep.is_scratch, path.parts))


def scratch(folder: Path) -> list[str]:
    """All that was never finished."""
    made = (path for name in ("results", ".spool") for path in (folder / name).rglob("*"))
    return sorted(str(path.relative_to(folder)) for path in made if is_scratch(path.relative_to(folder)))


def wrong_files(folder: Path, reference: dict[str, str]) -> list[str]:
    """Files that stand under a final name with other bytes than an undisturbed run's, or that it does not have."""
    return sorted(name for name, digest in contents(folder / "results").items() if reference.get(name) != digest)


def torn_folders(folder: Path, reference: Path) -> list[str]:
    """Outputs that are folders, are not held for incomplete, and lack files."""
    whole = (path.parent.relative_to(reference) for path in (reference / "results").rglob(TIMESTAMP))
    held = incomplete(folder)
    there = [name for name in whole if (folder / name).is_dir() and str(name) not in held]
    return [str(name) for name in there if contents(folder / name) != contents(reference / name)]


def incomplete(folder: Path) -> set[str]:
    """The outputs that Snakemake holds for incomplete."""
    return set(dict(_records(folder / INCOMPLETE)))


def finished(folder: Path) -> dict[str, int]:
    """The outputs that Snakemake trusts, each with the time at which it was written."""
    names = set(dict(_records(folder / METADATA))) - incomplete(folder)
    paths = ((name, folder / name / TIMESTAMP if (folder / name).is_dir() else folder / name) for name in names)
    return {name: path.stat().st_mtime_ns for name, path in paths if path.exists()}


def records(folder: Path) -> dict[str, dict[str, object]]:
    """What Snakemake wrote down about every output, but for records that a kill cut off."""
    return {name: json.loads(text) for name, text in _records(folder / METADATA) if text.endswith("}")}


def _records(root: Path) -> Iterator[tuple[str, str]]:
    for path in root.rglob("*"):
        if path.is_file():
            yield output_of(path.relative_to(root)), path.read_text()
