"""Examples of a part of the detector: images with what is wanted of each, of all cases together in bounded memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST = 100_000
"""Patches that are learnt from and watched: 400 MB, and more than the usual ten epochs show of them."""

_USUAL_SLICES, _FEWEST = 12, 4
"""Slices in which a heart is drawn, of a case at most as a rule; patches of each, however many cases there are."""


@dataclass(frozen=True)
class Examples:
    """Images `(n, channel, y, x)`, as they are stored, and the wanted number or numbers of each, `(n, ...)`."""

    images_ncyx: NDArray[Any]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)


def patches_per_slice(wanted: int, cases: int) -> int:
    """As many as are wanted, fewer where there are many cases."""
    return max(min(wanted, _FEWEST), min(wanted, _MOST // (_USUAL_SLICES * cases)))


def join(parts: dict[str, Examples], cases: Iterable[str]) -> Examples:
    """The examples of these cases, in their order; they leave `parts`, so that memory never holds all of them twice."""
    chosen = list(cases)
    ends = np.cumsum([0, *(len(parts[case]) for case in chosen)])
    first = parts[chosen[0]]
    whole = Examples(*(np.empty((ends[-1], *one.shape[1:]), one.dtype) for one in (first.images_ncyx, first.targets)))
    for case, start, end in zip(chosen, ends[:-1], ends[1:], strict=True):
        part = parts.pop(case)
        whole.images_ncyx[start:end], whole.targets[start:end] = part.images_ncyx, part.targets
    return whole
