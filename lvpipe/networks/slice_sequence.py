"""A network that sees all slices and frames of a study at once and tells how much cavity is in each, and how surely.

The idea is that of the team kunsthart in the Data Science Bowl of 2016: a slice is judged beside its neighbours in the
stack and in the cycle, and the score of the study's volumes teaches all of it.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

MAKES = "areas"
TAKES = "stack"
SIDE_MULTIPLE = 8

_GROUPS = 4
_NEAR = 5
"""What a slice in a frame is judged by: itself, and its neighbours before, after, above and below."""

_PLACES = 3
"""Numbers that tell where in the stack a slice lies."""

_STEPS = (1, 2, 4)
"""How far off the neighbours are, in frames and in slices, in each round of the context."""

_START_SHARE = 0.15
"""Of a window that is cavity, before anything is learnt: the first volumes are then of the right size."""

_START_SD = 0.1
"""Of a share: the first volumes are told to some 30 mL, nearly as much as hearts differ."""

_LEAST_SD = 1e-3
"""Without a floor a volume that fits by chance would have no spread, and an error of it no bounds."""

_LEAST_SHARE = 1e-4
"""A smaller one has a logit that drowns all corrections."""


class SliceSequence(nn.Module):
    """Each window's map of the cavity; its mean is corrected by what the whole study says."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        fine, middle, deep = channels
        self.down = nn.ModuleList(_unit(*sizes, stride=2) for sizes in ((1, fine), (fine, middle), (middle, deep)))
        self.beside = _Beside(deep)
        self.deep = _unit(deep, deep)
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.up = _unit(deep + middle, middle)
        self.map = nn.Conv2d(middle, 1, 1)
        self.read = nn.Linear(deep + 1 + _PLACES, width)
        self.context = nn.ModuleList(_Context(width, step) for step in _STEPS)
        self.correction, self.spread = nn.Linear(width, 1), nn.Linear(width, 1)
        self._start()

    def forward(self, windows: "Tensor") -> "tuple[Tensor, Tensor]":
        """`stack_fractions`."""
        return self.stack_fractions(windows)

    def stack_fractions(self, windows: "Tensor") -> "tuple[Tensor, Tensor]":
        """Mean and spread of the share of each window `(t, z, y, x)` that is cavity, both `(t, z)`."""
        study = windows.shape[:2]
        logits, code = self._seen(windows.flatten(0, 1)[:, None], study)
        first = torch.sigmoid(logits.float()).mean(dim=(1, 2, 3)).view(study).logit(_LEAST_SHARE)
        known = self.read(torch.cat([code, first[..., None], _places(first)], dim=-1))
        for context in self.context:
            known = context(known)
        correction, spread = (tell(known).float().squeeze(-1) for tell in (self.correction, self.spread))
        return torch.sigmoid(first + correction), nn.functional.softplus(spread) + _LEAST_SD

    def _seen(self, images: "Tensor", study: torch.Size) -> "tuple[Tensor, Tensor]":
        """Of every image the logits of its map, and what else its features say on the whole, `(t, z, features)`."""
        finer = images.contiguous(memory_format=torch.channels_last)
        levels = [finer := down(finer) for down in self.down]
        deep = self.deep(self.beside(levels[-1], study))
        logits = self.map(self.up(torch.cat([self.enlarge(deep), levels[-2]], dim=1)))
        return logits, deep.float().mean(dim=(2, 3)).view(*study, -1)

    def _start(self) -> None:
        for tell in (self.correction, self.spread):
            nn.init.zeros_(tell.weight)
        nn.init.zeros_(self.correction.bias)
        nn.init.constant_(self.spread.bias, math.log(math.expm1(_START_SD)))
        nn.init.constant_(self.map.bias, math.log(_START_SHARE / (1 - _START_SHARE)))  # type: ignore[arg-type]  # its stub: there may be none


class _StudyNorm(nn.GroupNorm):
    """Groups of channels to zero mean and unit spread over all images of a study together.

    A batch is one study. Done for each image alone, it would take away the mean that tells how much there is of what.
    """

    def forward(self, images: "Tensor") -> "Tensor":
        return super().forward(images.transpose(0, 1)[None])[0].transpose(0, 1)


class _Beside(nn.Module):
    """Every place also sees the same place in the frames and slices next to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.merge = nn.Sequential(
            nn.Conv2d(_NEAR * channels, channels, 1, bias=False), _StudyNorm(_GROUPS, channels), nn.ReLU()
        )

    def forward(self, images: "Tensor", study: torch.Size) -> "Tensor":
        near = _neighbours(images.reshape(*study, *images.shape[1:]), 1, axis=2).flatten(0, 1)
        changed: Tensor = images + self.merge(near.contiguous(memory_format=torch.channels_last))
        return changed


class _Context(nn.Module):
    """What is known of a slice in a frame, and of those `step` away.

    Nothing is dropped out: volumes would vary over the cycle by chance, and the largest and the smallest are taken.
    """

    def __init__(self, width: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.layers = nn.Sequential(
            nn.LayerNorm(_NEAR * width),
            nn.Linear(_NEAR * width, width),
            nn.GELU(),
            nn.Linear(width, width),
        )

    def forward(self, known: "Tensor") -> "Tensor":
        changed: Tensor = known + self.layers(_neighbours(known, self.step, axis=-1))
        return changed


def _unit(into: int, out: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(into, out, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, _StudyNorm(_GROUPS, out), nn.ReLU(inplace=True))


def _neighbours(study: "Tensor", step: int, axis: int) -> "Tensor":
    """`(t, z, ...)` with its neighbours along an axis: of time, where a cycle closes, and of the stack, which ends."""
    nothing = torch.zeros_like(study[:, :step])
    above = torch.cat([nothing, study[:, :-step]], dim=1)
    below = torch.cat([study[:, step:], nothing], dim=1)
    return torch.cat([study, study.roll(step, 0), study.roll(-step, 0), above, below], dim=axis)


def _places(study: "Tensor") -> "Tensor":
    """Where each slice lies, `(t, z, 3)`: from base (-1) to apex (1), squared, and of how many, as a logarithm."""
    t, z = study.shape
    along = (torch.arange(z, device=study.device) + 0.5) * (2 / z) - 1
    return torch.stack([along, along.square(), torch.full_like(along, math.log(z))], dim=-1).expand(t, -1, -1)


def build(channels: Sequence[int] = (16, 32, 64), width: int = 64) -> nn.Module:
    """`channels` of its three levels, in fours; `width` of what it knows of a slice; sides are multiples of 8."""
    return SliceSequence(channels, width)
