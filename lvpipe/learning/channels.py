"""Many images of a study as the channels of one example: those of a slice in turn, or a random draw of all."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lvpipe.cases import number
from lvpipe.config.window import Intensities, Window
from lvpipe.learning.batches import WHITE, scale

if TYPE_CHECKING:
    from torch import Tensor

Images = NDArray[np.uint8]


def cycle_slice(frames: int, channels: int) -> NDArray[np.intp]:
    """Which frames of a slice are its channels: in the order of time, again from the start or without the surplus."""
    return np.arange(channels) % frames


def draw_study(frames: int, slices: int, channels: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Which images of a study are the channels, counted slice by slice: by slice and, within it, by time.

    None comes twice where there are enough.
    """
    images = frames * slices
    return np.sort(random.choice(images, channels, replace=channels > images))


def moving(windows_tzyx: Images) -> Images:
    """What moves: how far each pixel is from its mean over time."""
    mean_zyx = windows_tzyx.mean(axis=0, dtype=np.float32)
    return np.asarray(np.rint(np.abs(windows_tzyx - mean_zyx)), np.uint8)


def prepare(windows_tzyx: Images, window: Window) -> Images:
    """The images of a study as the network is to see them: as they are, or what moves."""
    return moving(windows_tzyx) if window.deltas else windows_tzyx


def cut_example(windows_tzyx: Images, window: Window, channels: int, which: int, random: np.random.Generator) -> Images:
    """One example `(c, y, x)`: that of the slice `which`, or a fresh draw of all images."""
    frames, slices = windows_tzyx.shape[:2]
    if window.images == "slice_cycle":
        return np.asarray(windows_tzyx[cycle_slice(frames, channels), which])
    z, t = np.divmod(draw_study(frames, slices, channels, random), frames)
    return np.asarray(windows_tzyx[t, z])


def count_examples(slices: int, window: Window, draws: int) -> int:
    """How many examples a study has: one a slice, or as many draws as are wanted."""
    return slices if window.images == "slice_cycle" else draws


def fixed_examples(case: str, windows_tzyx: Images, window: Window, channels: int, draws: int, seed: int) -> Images:
    """All examples of a study `(n, c, y, x)`; its draws follow from its name and the seed, whoever else is there."""
    prepared, count = prepare(windows_tzyx, window), count_examples(windows_tzyx.shape[1], window, draws)
    randoms = [np.random.default_rng(number(f"draw {i} of {case} by {seed}")) for i in range(count)]
    return np.stack([cut_example(prepared, window, channels, i, random) for i, random in enumerate(randoms)])


def as_channels(examples_ncyx: Images) -> "Tensor":
    """Stored examples (0..255) as `(n, c, y, x)` in 0..1."""
    return torch.from_numpy(examples_ncyx).float() / WHITE


def scale_channels(examples: "Tensor", intensities: Intensities) -> "Tensor":
    """Each image of each example as a network wants it: scaled by itself."""
    side = examples.shape[-1]
    scaled = scale(examples.reshape(-1, 1, side, side), intensities)
    return scaled.reshape(examples.shape).contiguous(memory_format=torch.channels_last)
