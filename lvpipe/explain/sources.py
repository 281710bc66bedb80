"""A case's source files, hashed again and compared with what its ledger says they were."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lvpipe.cine.ledger import DIGEST_SHOWN, combined_digest, digest
from lvpipe.explain.words import some_of
from lvpipe.study import StudyReader


@dataclass(frozen=True)
class Sources:
    """The files that a reader finds now, with their SHA-256, and what the ledger says of those it found then."""

    digests: Mapping[Path, str]
    ledger: Mapping[str, Any]

    @property
    def combined(self) -> str:
        """One digest over all files, as the ledger holds it."""
        return combined_digest(self.digests.values())

    @property
    def agree(self) -> bool:
        """Whether every file is what it was."""
        return bool(self.combined == self.ledger["files"]["sha256"])

    def differences(self) -> Iterator[str]:
        """What is not as it was, as exactly as the ledger's digests allow."""
        if self.agree:
            return
        then = self.ledger["files"]
        yield f"the source files do not agree with the ledger: {then['count']} then, {len(self.digests)} now"
        if not self.digests:
            return  # an empty folder: it would be said of every slice
        kept = self.ledger["slice_files"]
        now = {sha256[:DIGEST_SHOWN]: path for path, sha256 in self.digests.items()}
        known = {prefix for prefixes in kept for prefix in prefixes}
        for index, prefixes in enumerate(kept):
            yield from self._slice_differences(index, prefixes, now, known)
        if known <= set(now):
            yield "the files of the cine are as they were; one that was left out of it, or a contour, is not"

    def _slice_differences(
        self, index: int, prefixes: Sequence[str], now: Mapping[str, Path], known: set[str]
    ) -> Iterator[str]:
        lost = [prefix for prefix in prefixes if prefix not in now]
        if not lost:
            return
        folders = {now[prefix].parent for prefix in prefixes if prefix in now}
        strangers = [path for prefix, path in now.items() if path.parent in folders and prefix not in known]
        if len(lost) == len(strangers) == 1:
            path, then, now_is = strangers[0], lost[0], self.digests[strangers[0]][:DIGEST_SHOWN]
            yield f"slice {index}: {path} changed: SHA-256 {then}... then, {now_is}... now"
        else:
            yield f"slice {index}: {len(lost)} of {len(prefixes)} files are gone or changed ({some_of(lost)})"


def read_sources(paths: Sequence[Path], ledger: Mapping[str, Any]) -> Sources:
    """Hash every image and contour that the ledger's reader finds below these paths."""
    reader = cast(StudyReader, importlib.import_module(f"lvpipe.readers.{ledger['reader']}"))
    study = reader.read_study(paths, **ledger.get("options", {}))
    return Sources({path: digest(path.read_bytes()) for path in study.files if path.is_file()}, ledger)
