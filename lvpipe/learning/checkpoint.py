"""The state of an unfinished training on disk, so that a killed job goes on where it stopped."""

import hashlib
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from lvpipe.files import write_bytes

_COST_SHARE = 0.05
"""Largest share of the time that goes into saving; what a killed job loses is then about twenty savings' time."""

_SEAL_BYTES = hashlib.sha256().digest_size


class Checkpoint:
    """A file that holds the last saved state, behind a digest of it: a damaged file is never gone on from."""

    def __init__(self, path: Path, cost_share: float = _COST_SHARE) -> None:
        self._path = path
        self._cost_share = cost_share
        self._saved_s = time.perf_counter()
        self._took_s = 0.0

    def save(self, make_state: Callable[[], Mapping[str, Any]]) -> None:
        """Save the state, unless the last saving was so short ago that this one would cost more than its share."""
        started_s = time.perf_counter()
        if (started_s - self._saved_s) * self._cost_share < self._took_s:
            return
        buffer = io.BytesIO()
        torch.save(dict(make_state()), buffer)
        content = buffer.getvalue()
        write_bytes(self._path, hashlib.sha256(content).digest() + content)
        self._saved_s = time.perf_counter()
        self._took_s = self._saved_s - started_s

    def read(self) -> dict[str, Any] | None:
        """The saved state, its tensors on the processor; None where there is none or it is damaged."""
        if not self._path.exists():
            return None
        content = self._path.read_bytes()
        seal, state = content[:_SEAL_BYTES], content[_SEAL_BYTES:]
        if hashlib.sha256(state).digest() != seal:
            print(f"{self._path} is damaged: training starts anew", flush=True)
            return None
        found: dict[str, Any] = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        return found
