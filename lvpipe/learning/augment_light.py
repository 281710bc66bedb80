"""Random changes of intensities; only the images that are chosen for a change are computed."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import conv2d, interpolate, pad

from lvpipe.learning.augment_draws import Draws
from lvpipe.learning.augment_smooth import smooth
from lvpipe.learning.equalise import equalise

if TYPE_CHECKING:
    from torch import Tensor

_BIAS_CELLS = 3
"""Control points of the brightness field along each axis: a coil's field is smooth over the whole heart."""

_BLUR_REACH = 3
"""Standard deviations of a blur within which pixels count: what lies beyond has 0.3 % of the weight."""


def _equalise(draws: Draws, images: "Tensor") -> "Tensor":
    clip = draws.settings.equalise_clip
    if clip is None or not draws.share("equalise"):
        return images
    chosen = draws.chosen("equalise", len(images))
    return _change(images, chosen, lambda some, _: equalise(some, clip))


def _gamma(draws: Draws, images: "Tensor") -> "Tensor":
    amounts = draws.sometimes("gamma", len(images), math.log(draws.settings.gamma))
    return _change(images, amounts, lambda some, amount: some.clamp(0, 1) ** amount.exp())


def _contrast(draws: Draws, images: "Tensor") -> "Tensor":
    amounts = draws.sometimes("contrast", len(images), draws.settings.contrast_share)
    return _change(
        images, amounts, lambda some, amount: some + amount * (some - some.mean(dim=(1, 2, 3), keepdim=True))
    )


def _brightness(draws: Draws, images: "Tensor") -> "Tensor":
    amounts = draws.sometimes("brightness", len(images), draws.settings.brightness_share)
    return _change(images, amounts, lambda some, amount: some * (1 + amount))


def _bias(draws: Draws, images: "Tensor") -> "Tensor":
    """A smooth field over each image."""

    def shade(some: "Tensor", amount: "Tensor") -> "Tensor":
        cells = torch.rand((len(some), 1, _BIAS_CELLS, _BIAS_CELLS), generator=draws.random) * 2 - 1
        return some * (1 + smooth(cells.to(some.device) * amount, some.shape[-1]))

    return _change(images, draws.sometimes("bias", len(images), draws.settings.bias_share), shade)


def _blur(draws: Draws, images: "Tensor") -> "Tensor":
    """A Gaussian of its own width for each image, along one axis and then the other."""
    reach = math.ceil(_BLUR_REACH * draws.settings.blur_px)

    def blur(some: "Tensor", amount: "Tensor") -> "Tensor":
        distance = torch.arange(-reach, reach + 1, device=some.device)
        weights = torch.softmax(-0.5 * (distance / amount) ** 2, dim=-1)  # (n, 1, 1, width)
        several = pad(some.transpose(0, 1), (reach,) * 4, mode="replicate")
        along_x = conv2d(several, weights, groups=len(some))
        return conv2d(along_x, weights.transpose(2, 3), groups=len(some)).transpose(0, 1)

    return _change(images, draws.sometimes("blur", len(images), draws.settings.blur_px), blur)


def _coarse(draws: Draws, images: "Tensor") -> "Tensor":
    """Averaged to fewer pixels, and these drawn out again: a scan of lower resolution."""
    side, largest = images.shape[-1], draws.settings.coarse_factor

    def coarsen(some: "Tensor", amount: "Tensor") -> "Tensor":
        sides = [round(side / (1 + abs(excess))) for excess in amount.flatten().tolist()]
        fewer = [interpolate(some[i : i + 1], size=(k, k), mode="area") for i, k in enumerate(sides)]
        return torch.cat([interpolate(one, size=some.shape[-2:], mode="bilinear") for one in fewer])

    return _change(images, draws.sometimes("coarse", len(images), largest - 1), coarsen)


def _noise(draws: Draws, images: "Tensor") -> "Tensor":
    def add(some: "Tensor", amount: "Tensor") -> "Tensor":
        return some + amount * torch.randn(some.shape, generator=draws.random).to(some.device)

    return _change(images, draws.sometimes("noise", len(images), draws.settings.noise_sd), add)


CHANGES: tuple[Callable[[Draws, "Tensor"], "Tensor"], ...] = (
    _equalise,
    _gamma,
    _contrast,
    _brightness,
    _bias,
    _blur,
    _coarse,
    _noise,
)
"""In the order in which a scanner would bring them about: light, then sharpness, then noise."""


def _change(images: "Tensor", amounts: "Tensor", change: "Callable[[Tensor, Tensor], Tensor]") -> "Tensor":
    """Change those images whose amount is not 0; `change` gets them and their amounts `(n, 1, 1, 1)`."""
    chosen = amounts != 0
    if not chosen.any():
        return images
    some = chosen.to(images.device)
    changed = images.clone()
    changed[some] = change(images[some], amounts[chosen].to(images.device)[:, None, None, None])
    return changed
