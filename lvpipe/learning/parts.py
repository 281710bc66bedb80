"""Which of the drawn images a network learns from, which it watches, and which it is not shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.learning.store import Samples, Store

HELD_OUT_SHARE = 0.1
"""Of the images, where these are split regardless of patients: Sinha et al. test on a tenth of theirs."""

_FEWEST = 3
"""Images that can be split: one to learn from, one to watch, one to hold out."""


@dataclass(frozen=True)
class Parts:
    """The images of one training; `held_out` is empty where patients are held out instead."""

    learn: Samples
    watch: Samples
    held_out: Samples


def divide(store: Store, learners: Sequence[str], watched: Sequence[str], settings: TrainSettings) -> Parts:
    """The images of those who are learnt from and of those who are watched; or of all of them, shuffled.

    Which image is which follows from hashes of its case and its number.

    Raises:
        UserError: too few images for three parts.
    """
    if settings.split_by == "patient":
        return Parts(_most(store, learners, settings), store.samples(watched), store.samples(()))
    mixed = store.ranked([*learners, *watched], "image")
    held, seen = _ends(len(mixed), settings)
    learn = mixed.only(slice(seen, None)).only(slice(settings.learn_images))
    return Parts(learn, mixed.only(slice(held, seen)), mixed.only(slice(held)))


def _most(store: Store, learners: Sequence[str], settings: TrainSettings) -> Samples:
    if settings.learn_images is None:
        return store.samples(learners)
    return store.ranked(learners, "learn").only(slice(settings.learn_images))


def describe_parts(parts: Parts) -> str:
    """A line for the log."""
    learn, watch = (f"{len(part)} slices of {len(set(part.owners()))}" for part in (parts.learn, parts.watch))
    held_out = f", {len(parts.held_out)} held out" if len(parts.held_out) else ""
    return f"learning from {learn} cases, watching {watch}{held_out}"


def _ends(images: int, settings: TrainSettings) -> tuple[int, int]:
    """How many are held out, and where those end that are watched."""
    if images < _FEWEST:
        raise UserError(f"train: split_by is image, and {images} images are drawn; expected at least {_FEWEST}")
    held = math.ceil(images * HELD_OUT_SHARE)
    return held, held + math.ceil((images - held) * settings.inner_share)
