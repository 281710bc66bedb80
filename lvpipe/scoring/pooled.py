"""One case's part of the pooled measures (`lvpipe/compat_metrics.py`): of a model, and of an empty mask."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.compat_metrics import Sums, empty, one_hot, sums
from lvpipe.labels import CAVITY, MYOCARDIUM, NOT_ANNOTATED

SUMS: Final = tuple(field.name for field in fields(Sums))
POOLED: Final = ("method", "channels", *SUMS)
"""Columns of one case's table; `method` is `model` or `background`."""

CAVITY_ALONE: Final = 2
"""Channels of a model that draws the cavity: it and the background."""


def pool(probs: NDArray[Any], reference_tzyx: NDArray[Any]) -> list[dict[str, object]]:
    """Rows for the drawn slices; `probs` is `(t, z, y, x)` of the cavity, or `(label, t, z, y, x)`."""
    labels = probs if probs.ndim == reference_tzyx.ndim + 1 else probs[None]
    frame, place = np.nonzero(judged(reference_tzyx, walls=len(labels) > 1))
    chosen = _with_background(labels[:, frame, place].swapaxes(0, 1))
    truth = one_hot(reference_tzyx[frame, place], chosen.shape[1])
    pairs = {"model": sums(chosen, truth), "background": empty(truth)}
    return [{"method": method, "channels": chosen.shape[1], **asdict(found)} for method, found in pairs.items()]


def judged(reference_tzyx: NDArray[Any], *, walls: bool) -> NDArray[np.bool_]:
    """Slices `(t, z)` with a truth in every channel: where the cavity alone was drawn, nothing is known of its wall."""
    drawn = (reference_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    if walls:
        cavity, wall = ((reference_tzyx == value).any(axis=(2, 3)) for value in (CAVITY, MYOCARDIUM))
        drawn &= wall | ~cavity
    return np.asarray(drawn)


def add_up(rows: Iterable[Mapping[str, str]], method: str) -> tuple[int, Sums]:
    """The channels and the sums of several cases together; no channels where there is no row."""
    total, channels = Sums(), 0
    for row in rows:
        if row["method"] == method:
            total, channels = total + Sums(*(float(row[name]) for name in SUMS)), int(row["channels"])
    return channels, total


def _with_background(probs_ncyx: NDArray[Any]) -> NDArray[np.float32]:
    """The background takes what the labels leave, where the model does not say itself."""
    probs = probs_ncyx.astype(np.float32)
    if probs.shape[1] > CAVITY_ALONE:
        return probs
    rest = np.clip(1 - probs.sum(axis=1, keepdims=True), 0, 1)
    return np.concatenate([probs, rest], axis=1)
