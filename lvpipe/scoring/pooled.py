"""One case's part of the pooled measures (`lvpipe/compat_metrics.py`): of a model, and of an empty mask."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.compat_metrics import Sums, empty, one_hot, sums
from lvpipe.drawn import walls_drawn
from lvpipe.labels import NOT_ANNOTATED, VALUES, Label

SUMS: Final = tuple(field.name for field in fields(Sums))
POOLED: Final = ("method", "channels", *SUMS)
"""Columns of one case's table; `method` is `model` or `background`."""


def pool(probs: Mapping[Label, NDArray[Any]], reference_tzyx: NDArray[Any]) -> list[dict[str, object]]:
    """Rows for the drawn slices, of each label's probabilities `(t, z, y, x)`."""
    frame, place = np.nonzero(judged(reference_tzyx, walls="myocardium" in probs))
    channels = with_background({label: prob[frame, place] for label, prob in probs.items()})
    values = [VALUES[label] for label in channels]
    truth = one_hot(reference_tzyx[frame, place], values)
    pairs = {"model": sums(np.stack(list(channels.values()), axis=1), truth), "background": empty(truth, values)}
    return [{"method": method, "channels": len(values), **asdict(found)} for method, found in pairs.items()]


def judged(reference_tzyx: NDArray[Any], *, walls: bool) -> NDArray[np.bool_]:
    """Slices `(t, z)` with a truth in every channel: where the cavity alone was drawn, nothing is known of its wall."""
    drawn = (reference_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    return drawn & walls_drawn(reference_tzyx) if walls else np.asarray(drawn)


def with_background(probs: Mapping[Label, NDArray[Any]]) -> dict[Label, NDArray[Any]]:
    """The background takes what the labels leave, where the model does not say itself."""
    if "background" in probs:
        return dict(probs)
    return {**probs, "background": np.clip(1 - sum(probs.values()), 0, 1)}


def add_up(rows: Iterable[Mapping[str, str]], method: str) -> tuple[int, Sums]:
    """The channels and the sums of several cases together; no channels where there is no row."""
    total, channels = Sums(), 0
    for row in rows:
        if row["method"] == method:
            total, channels = total + Sums(*(float(row[name]) for name in SUMS)), int(row["channels"])
    return channels, total
