"""Sinha et al.'s U-Net, with and without dropout, and what their fully convolutional networks share with it."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from lvpipe.networks._layers import start_glorot, start_he_keras

if TYPE_CHECKING:
    from torch import Tensor

SIDE_MULTIPLE = 16

_DOWN = (32, 64, 128, 256, 512)
"""Filters of both convolutions of c1 to c5."""

_UP = ((256, 512), (128, 128), (64, 64), (32, 32))
"""Filters of the first and of the second convolution of c6 to c9. The 512 would be 256 by the book; with it, and only
with it, the network has the parameters that the paper counts."""

_RATES = len(_DOWN) + 1 + len(_UP)
"""Dropouts: one in each block, and another at the end of c5."""

LEVELS = range(len(_UP))
"""Of the decoder, deepest first; each may take what the encoder saw at its side."""


class SinhaUNet(nn.Module):
    """Blocks of two convolutions and a dropout between; skips at the decoder levels that are named."""

    def __init__(self, outputs: int, dropout: float | Sequence[float], skips: Collection[int] = LEVELS) -> None:
        super().__init__()
        rates = _rates(dropout)
        inner, end, outer = rates[: len(_DOWN)], rates[len(_DOWN)], rates[len(_DOWN) + 1 :]
        before = (1, *_DOWN[:-1])
        self.skips = tuple(skips)
        self.down = nn.ModuleList(_block(i, o, o, rate) for i, o, rate in zip(before, _DOWN, inner, strict=True))
        self.pool = nn.MaxPool2d(2)
        self.end = nn.Dropout(end)
        below = (_DOWN[-1], *(second for _, second in _UP[:-1]))
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 2, stride=2) for i, (o, _) in zip(below, _UP, strict=True)
        )
        self.up = nn.ModuleList(
            _block(first * (1 + (level in skips)), first, second, rate)
            for level, ((first, second), rate) in enumerate(zip(_UP, outer, strict=True))
        )
        self.head = nn.Conv2d(_UP[-1][1], outputs, 1)
        self._start()

    def forward(self, images: "Tensor") -> "Tensor":
        """Logits of each label; the paper's sigmoid is the loss's."""
        seen = [self.down[0](images)]
        for down in self.down[1:]:
            seen.append(down(self.pool(seen[-1])))
        deep = self.end(seen.pop())
        for level, (enlarge, up) in enumerate(zip(self.enlarge, self.up, strict=True)):
            enlarged, beside = enlarge(deep), seen.pop()
            deep = up(torch.cat([enlarged, beside], dim=1) if level in self.skips else enlarged)
        logits: Tensor = self.head(deep)
        return logits

    def _start(self) -> None:
        start_he_keras(self)
        start_glorot(self.enlarge)
        start_glorot(self.head)


def build(outputs: int = 1, dropout: float | Sequence[float] = 0.5) -> nn.Module:
    """8,480,739 parameters for the paper's three labels, with dropout and without (`dropout: 0`).

    Ten rates instead of one are those of c1 to c5, of the end of c5, and of c6 to c9.
    """
    return SinhaUNet(outputs, dropout)


def _rates(dropout: float | Sequence[float]) -> tuple[float, ...]:
    rates = tuple(dropout) if isinstance(dropout, Sequence) else (dropout,) * _RATES
    if len(rates) != _RATES:
        raise ValueError(f"dropout has {len(rates)} rates, expected one number or {_RATES}")
    return rates


def _block(into: int, first: int, second: int, rate: float) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(into, first, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Dropout(rate),
        nn.Conv2d(first, second, 3, padding=1),
        nn.ReLU(inplace=True),
    )
