"""All files below a folder, whatever lies there (links in circles or to nowhere, closed folders), and names' order."""

import os
import re
from collections.abc import Iterator
from pathlib import Path


def walk(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Every regular file in the order of the names; none that is hidden.

    Links are followed, but each folder is entered once. What the system refuses counts as not there.
    """
    yield from _walk(str(folder), set())


def _walk(folder: str, entered: set[tuple[int, int]]) -> Iterator["os.DirEntry[str]"]:
    try:
        status = os.stat(folder)  # noqa: PTH116 this runs over all files of a cohort whenever the workflow is parsed
        if (status.st_dev, status.st_ino) in entered:
            return
        entered.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        kind = _kind(entry)
        if kind == "file":
            yield entry
        elif kind == "folder":
            yield from _walk(entry.path, entered)


def natural(word: str) -> tuple[tuple[int, str], ...]:
    """A key that puts words in the order in which people count: 9 before 10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", word) if part)


def _kind(entry: "os.DirEntry[str]") -> str:
    try:
        return "file" if entry.is_file() else "folder" if entry.is_dir() else ""
    except OSError:  # a link that leads to itself
        return ""
