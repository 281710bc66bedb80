"""Short digests: whether two things are the same."""

import hashlib
from pathlib import Path

from lvpipe.files import file_sha256

_LENGTH = 16
"""Hex digits kept: 64 bits, far beyond what a run's files can collide in."""


def digest(*parts: str | bytes) -> str:
    """A short digest of the parts, each with its length, so that no two different lists agree."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(f"{len(content)}:".encode())
        total.update(content)
    return total.hexdigest()[:_LENGTH]


def file_digest(path: Path) -> str:
    """A short digest of the file's content."""
    return file_sha256(path)[:_LENGTH]
