"""What Snakemake remembers of a file: which rule made it, from what, with which params."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvpipe.record_names import INCOMPLETE, METADATA, record_path

_CHECKSUM = "sha256:"


@dataclass(frozen=True)
class Record:
    """The job that made a file, as it was when it ran.

    `params` are the texts of the rule's params without their names; `checksums` are the SHA-256 of those inputs
    that were small enough for Snakemake to hash (1 MB unless said otherwise); times are seconds since 1970.
    """

    rule: str
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    command: str
    started: float
    ended: float
    checksums: Mapping[str, str]


class Records:
    """The records of one working directory; reads them and writes nothing."""

    def __init__(self, folder: Path) -> None:
        self._metadata = folder / METADATA
        self._incomplete = folder / INCOMPLETE

    @property
    def exist(self) -> bool:
        """Whether anything was ever run here."""
        return self._metadata.is_dir()

    def read(self, file: str) -> Record | None:
        """The record of an output, named as the rules name it; None where there is none that can be read."""
        try:
            return _parse(json.loads(record_path(self._metadata, file).read_text()))
        except (OSError, ValueError):
            return None

    def interrupted(self, file: str) -> bool:
        """Whether a job that was to make this file began and never ended."""
        return record_path(self._incomplete, file).exists()


def _parse(content: Mapping[str, Any]) -> Record:
    sums = content.get("input_checksums") or {}
    return Record(
        rule=content.get("rule") or "",
        inputs=tuple(content.get("input") or ()),
        params=tuple(str(param) for param in content.get("params") or ()),
        command=content.get("shellcmd") or "",
        started=content.get("starttime") or 0.0,
        ended=content.get("endtime") or 0.0,
        checksums={file: text.removeprefix(_CHECKSUM) for file, text in sums.items() if text.startswith(_CHECKSUM)},
    )
