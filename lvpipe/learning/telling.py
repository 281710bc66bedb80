"""Networks that tell areas or volumes, over the windows of one study."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.config.regress import RegressSettings
from lvpipe.config.window import Intensities, Window
from lvpipe.learning.batches import as_batch, compute, in_numbers, scale
from lvpipe.learning.channels import as_channels, fixed_examples, scale_channels

if TYPE_CHECKING:
    from torch import Tensor, nn

Shares = NDArray[np.float64]


class Volumes(NamedTuple):
    """EDV and ESV, and their spread over draws of the study's images, where there were several."""

    edv_ml: float
    esv_ml: float
    edv_sd_ml: float | None
    esv_sd_ml: float | None


def tell_areas(
    networks: "Sequence[nn.Module]",
    windows_tzyx: NDArray[np.uint8],
    window_mm2: NDArray[np.float64],
    settings: RegressSettings,
    intensities: Intensities,
) -> tuple[Shares, Shares | None]:
    """Areas in mm2 and, of networks that know it, their standard deviation, both `(t, z)`.

    Several networks are averaged; the variance of what they say is that of each, averaged, and that between them. A
    linear network may tell less than nothing, which is nothing.
    """
    with torch.inference_mode():
        told = [_shares(network, windows_tzyx, settings, intensities) for network in networks]
    means = np.stack([mean_tz for mean_tz, _ in told])
    areas_tz_mm2 = np.clip(means.mean(axis=0), 0, None) * window_mm2
    own = [sd_tz**2 for _, sd_tz in told if sd_tz is not None]
    if len(own) < len(told):
        return areas_tz_mm2, None
    return areas_tz_mm2, np.sqrt(np.mean(own, axis=0) + means.var(axis=0)) * window_mm2


def tell_volumes(
    networks: "Sequence[nn.Module]",
    case: str,
    windows_tzyx: NDArray[np.uint8],
    window: Window,
    settings: RegressSettings,
) -> Volumes:
    """The mean over networks and over a study's examples: its slices, or draws of its images, which have a spread."""
    with torch.inference_mode():
        told = np.mean([_volumes(network, case, windows_tzyx, window, settings) for network in networks], axis=0)
    edv_ml, esv_ml = told.mean(axis=0).tolist()
    if window.images != "study_draw" or settings.draws == 1:
        return Volumes(edv_ml, esv_ml, None, None)
    return Volumes(edv_ml, esv_ml, *told.std(axis=0, ddof=1).tolist())


def _shares(
    network: "nn.Module", windows_tzyx: NDArray[np.uint8], settings: RegressSettings, intensities: Intensities
) -> tuple[Shares, Shares | None]:
    """What a network says of each window's share, and how sure it is."""
    shape = windows_tzyx.shape[:2]
    flat = windows_tzyx.reshape(-1, *windows_tzyx.shape[2:])
    with in_numbers(settings.precision, settings.device):
        if hasattr(network, "stack_fractions"):
            ready = _ready(flat, settings, intensities)[:, 0].reshape(windows_tzyx.shape)
            mean_tz, sd_tz = network.stack_fractions(ready)  # type: ignore[operator]  # see docs/networks.md
            return _numbers(mean_tz), _numbers(sd_tz)
        n = settings.batch_images
        parts = [
            network.fractions(_ready(flat[start : start + n], settings, intensities))  # type: ignore[operator]
            for start in range(0, len(flat), n)
        ]
    return _numbers(torch.cat(parts)).reshape(shape), None


def _ready(images_nyx: NDArray[np.uint8], settings: RegressSettings, intensities: Intensities) -> "Tensor":
    return scale(as_batch(images_nyx).to(settings.device), intensities)


def _volumes(
    network: "nn.Module", case: str, windows_tzyx: NDArray[np.uint8], window: Window, settings: RegressSettings
) -> NDArray[np.float64]:
    """EDV and ESV of each example, `(n, 2)`."""
    channels = int(network.channels)  # type: ignore[arg-type]  # those that tell volumes have it
    cut = fixed_examples(case, windows_tzyx, window, channels, settings.draws, settings.seed)
    n = max(1, settings.batch_images // channels)
    parts = (as_channels(cut[start : start + n]).to(settings.device) for start in range(0, len(cut), n))
    told = [compute(network, scale_channels(part, window.intensities), settings.precision) for part in parts]
    return _numbers(torch.cat(told))


def _numbers(tensor: "Tensor") -> NDArray[np.float64]:
    return tensor.double().cpu().numpy()
