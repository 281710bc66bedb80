"""Volumes as a network tells them of a stack, with gradients: from a head of areas, probabilities, or all it sees."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.modules.batchnorm import _BatchNorm

from lvpipe.config.integrate import IntegrateSettings
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Intensities
from lvpipe.learning.batches import as_batch, in_numbers, scale
from lvpipe.learning.fractions import By, sees_studies, tell_fractions
from lvpipe.learning.millilitres import spread_ml, volume_ml
from lvpipe.learning.stacks import Stack

if TYPE_CHECKING:
    from torch import Tensor, nn


Show = Callable[["Tensor"], "Tensor"]
"""How images are shown: turned, in another light."""


def as_they_are(images: "Tensor") -> "Tensor":
    """Without a change."""
    return images


class Told(NamedTuple):
    """Volumes of some frames, and their standard deviations where the network knows any; in mL."""

    volumes_ml: "Tensor"
    sds_ml: "Tensor | None"

    def only(self, frames: Sequence[int]) -> "Told":
        """Those of these frames."""
        return Told(self.volumes_ml[frames], None if self.sds_ml is None else self.sds_ml[frames])


@dataclass(frozen=True)
class Measurer:
    """How stacks are measured while a network learns: as they will be when it is used."""

    settings: TrainSettings
    integrate: IntegrateSettings
    intensities: Intensities = "standard"

    def frames(
        self, network: "nn.Module", stack: Stack, frames: Sequence[int], show: Show = as_they_are, by: By = "areas"
    ) -> Told:
        """Volumes of these frames; a network that takes whole studies sees all frames, others these alone."""
        if sees_studies(network):
            return self._study(network, stack, show).only(frames)
        windows = self._ready(stack.windows_tzyx[list(frames)], show)
        return self._told(stack, tell_fractions(network, windows, by, self.settings.precision).view(len(frames), -1))

    def curve(self, network: "nn.Module", stack: Stack, by: By = "areas") -> Told:
        """Volumes of all frames, on the processor, for what needs no gradient; memory holds a few batches."""
        n, most = len(stack.windows_tzyx), max(1, self.settings.batch_images // len(stack.positions_mm))
        if sees_studies(network):
            volumes_ml, sds_ml = self._study(network, stack, as_they_are)
            return Told(volumes_ml.cpu(), None if sds_ml is None else sds_ml.cpu())
        parts = [self.frames(network, stack, range(n)[start : start + most], by=by) for start in range(0, n, most)]
        return Told(torch.cat([part.volumes_ml.cpu() for part in parts]), None)

    def _study(self, network: "nn.Module", stack: Stack, show: Show) -> Told:
        windows = self._ready(stack.windows_tzyx, show)
        with in_numbers(self.settings.precision, windows.device.type):
            means, sds = network.stack_fractions(windows[:, 0].view(*stack.windows_tzyx.shape[:2], *windows.shape[2:]))  # type: ignore[operator]
        return self._told(stack, means.float(), sds.float())

    def _ready(self, windows_tzyx: NDArray[np.uint8], show: Show) -> "Tensor":
        """Windows `(t * z, 1, y, x)`, as the network wants them."""
        images = as_batch(windows_tzyx.reshape(-1, *windows_tzyx.shape[2:])).to(self.settings.device)
        return scale(show(images), self.intensities)

    def _told(self, stack: Stack, fractions_tz: "Tensor", sds_tz: "Tensor | None" = None) -> Told:
        window_mm2 = torch.as_tensor(stack.window_mm2, dtype=fractions_tz.dtype, device=fractions_tz.device)
        places = (stack.positions_mm, self.integrate, stack.thickness_mm)
        volumes_ml = volume_ml(fractions_tz * window_mm2, *places)
        return Told(volumes_ml, None if sds_tz is None else spread_ml(sds_tz * window_mm2, *places))


def moved_most(stack: Stack) -> int:
    """The frame whose windows differ most from those of the first: what the images alone say of end-systole."""
    still = stack.windows_tzyx.astype(np.float32)
    return int(np.abs(still - still[0]).mean(axis=(1, 2, 3)).argmax())


@contextmanager
def settled_norms(network: "nn.Module", few: bool) -> Iterator[None]:
    """Within it few images are normalised by what was learnt of many, not by themselves."""
    norms = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.training] if few else []
    for layer in norms:
        layer.eval()
    yield
    for layer in norms:
        layer.train()
