"""How Snakemake 9 names its record of an output, below `.snakemake/metadata` and `.snakemake/incomplete`.

The name is the output's path in base 64; where the file system allows no name so long, it is cut into pieces, all but
the last of which are folders that start with @.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from pathlib import Path

STATE = Path(".snakemake")
"""Where Snakemake keeps its own records, in a run's folder."""
METADATA, INCOMPLETE = STATE / "metadata", STATE / "incomplete"
"""What it knows of each output, and which ones a job is making or was making when it ended."""

_NAME_MAX = 255
"""Bytes of a file's name, where the folder is not there yet or does not say."""


def record_path(folder: Path, output: str) -> Path:
    """Where in this folder of records the one of an output lies, or would lie; the output as the rules name it."""
    name = urlsafe_b64encode(output.encode()).decode()
    size = ((os.pathconf(folder, "PC_NAME_MAX") if folder.is_dir() else 0) or _NAME_MAX) - 1
    pieces = [name[start : start + size] for start in range(0, len(name), size)]
    return folder.joinpath(*(f"@{piece}" for piece in pieces[:-1]), pieces[-1])


def output_of(record: Path) -> str:
    """The output whose record this is, by its path below the folder of records; that path if it is no such name."""
    coded = "".join(part.removeprefix("@") for part in record.parts)
    try:
        return urlsafe_b64decode(coded).decode()
    except (Error, UnicodeDecodeError):
        return coded
