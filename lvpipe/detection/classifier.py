"""The classifier in use: how sure it is that a square is the heart's."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.network_job import Device, NetworkJob, Precision
from lvpipe.detection.patches import Cutter, standardise
from lvpipe.learning.device import resolve_precision
from lvpipe.learning.weights import read_network

if TYPE_CHECKING:
    from torch import Tensor, nn

_BATCH = 128
"""Squares at once: what the layers make of them stays in a core's cache."""


class Scorer:
    """The networks of some folds, applied to squares of one study."""

    def __init__(self, networks: "Sequence[nn.Module]", moments_tzyx: NDArray[np.uint8], job: NetworkJob) -> None:
        self._networks = networks
        self._moments_tzyx = moments_tzyx
        self._cutters: dict[int, Cutter] = {}
        self._job = job

    def score(self, places: Sequence[tuple[int, NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
        """For each slice's squares `(n, 3)`, the mean probability that they are right, `(n,)`."""
        patches = [self._cutter(z).cut(squares) for z, squares in places]
        ends = np.cumsum([len(squares) for _, squares in places])[:-1]
        with torch.inference_mode():
            batches = torch.split(torch.cat(patches), _BATCH)
            scores = [compute_right(self._networks, batch, self._job.precision, self._job.device) for batch in batches]
        return np.split(torch.cat(scores).double().numpy(), ends)

    def _cutter(self, z: int) -> Cutter:
        if z not in self._cutters:
            self._cutters[z] = Cutter(self._moments_tzyx[:, z])
        return self._cutters[z]


def compute_right(networks: "Sequence[nn.Module]", patches: "Tensor", precision: Precision, device: Device) -> "Tensor":
    """Mean probability of being right, `(n,)`."""
    ready = standardise(patches.to(device))
    logits = [compute_logits(network, ready, precision) for network in networks]
    return torch.stack([each.softmax(dim=1)[:, 1] for each in logits]).mean(dim=0).cpu()


def compute_logits(network: "nn.Module", ready: "Tensor", precision: Precision) -> "Tensor":
    """Logits of standardised patches, `(n, 2)`."""
    low = resolve_precision(precision, ready.device.type) == "bfloat16"
    with torch.autocast(ready.device.type, dtype=torch.bfloat16, enabled=low):
        logits: Tensor = network(ready)
    return logits.float()


def load_classifiers(paths: Sequence[Path], job: NetworkJob) -> "tuple[nn.Module, ...]":
    """The networks of these files, ready on the device; read once in a process."""
    return tuple(_load(path, job.device) for path in paths)


@functools.cache
def _load(path: Path, device: Device) -> "nn.Module":
    network: nn.Module = read_network(path).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
    return network
