"""What networks share: how the papers' frameworks start weights and normalise batches, and their common layers."""

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

_LASAGNE_EPSILON = 1e-4
_LASAGNE_MOMENTUM = 0.1
"""Lasagne's BatchNormLayer: the share of the new batch in the kept statistics, as torch counts it."""

_KERAS_EPSILON = 1e-3
_KERAS_MOMENTUM = 0.01
"""Keras says 0.99, the share that is kept; torch counts the share that is new."""

_TRUNCATED_SD = 0.87962566103423978
"""Standard deviation of a unit normal distribution that is cut at 2: Keras divides by it."""

_Weighted = nn.Conv2d | nn.ConvTranspose2d


def lasagne_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with Lasagne's constants."""
    return nn.BatchNorm2d(channels, eps=_LASAGNE_EPSILON, momentum=_LASAGNE_MOMENTUM)


def keras_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with Keras's constants."""
    return nn.BatchNorm2d(channels, eps=_KERAS_EPSILON, momentum=_KERAS_MOMENTUM)


def lasagne_unit(into: int, out: int, side: int = 3, batch_norm: bool = True) -> nn.Sequential:
    """A convolution that keeps the size, and ReLU; Lasagne's `batch_norm` goes between and takes the bias away."""
    convolution = nn.Conv2d(into, out, side, padding=side // 2, bias=not batch_norm)
    norm = (lasagne_norm(out),) if batch_norm else ()
    return nn.Sequential(convolution, *norm, nn.ReLU(inplace=True))


class Numbers(nn.Conv2d):
    """A last layer that is always computed in whole precision: bfloat16 knows only whole mL of 128 and more."""

    def forward(self, features: "Tensor") -> "Tensor":
        """Numbers of features."""
        kind = features.device.type
        if not torch.amp.is_autocast_available(kind):  # such as `meta`, where nothing is computed
            return super().forward(features)
        with torch.autocast(kind, enabled=False):
            return super().forward(features.float())


def double(scale: int = 2) -> nn.Upsample:
    """Every pixel repeated, as all the papers' upscaling layers without weights do."""
    return nn.Upsample(scale_factor=scale, mode="nearest")


def start_glorot(network: nn.Module) -> None:
    """Glorot's uniform weights (limit sqrt(6 / (fan in + fan out))) and biases of 0: Lasagne's and Keras's default."""
    for layer in network.modules():
        if isinstance(layer, _Weighted):
            nn.init.xavier_uniform_(layer.weight)
            _start_bias(layer)


def start_he_lasagne(network: nn.Module) -> None:
    """Lasagne's HeNormal: its gain is 1 unless told, so the standard deviation is sqrt(1 / fan in)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            _start_bias(layer)


def start_he_keras(network: nn.Module) -> None:
    """Keras's `he_normal`: standard deviation sqrt(2 / fan in) after the cut at two of those of the uncut normal."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            sd = math.sqrt(2 / fan_in) / _TRUNCATED_SD
            nn.init.trunc_normal_(layer.weight, std=sd, a=-2 * sd, b=2 * sd)
            _start_bias(layer)


def _start_bias(layer: _Weighted) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
