"""Which of the drawn images a network learns from, which it watches, and which it is not shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lvpipe.cases import number
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
        learn = _first(store, learners, "learn")
        return Parts(learn.only(range(_most(settings, len(learn)))), store.samples(watched), store.samples(()))
    mixed = _first(store, sorted([*learners, *watched]), "image")
    held, watch = _ends(len(mixed), settings)
    learn = mixed.only(range(watch, len(mixed)))
    return Parts(
        learn.only(range(_most(settings, len(learn)))), mixed.only(range(held, watch)), mixed.only(range(held))
    )


def _first(store: Store, cases: Sequence[str], word: str) -> Samples:
    """The samples of these cases in the order of their hashes."""
    names = store.names(cases)
    return store.samples(cases).only(sorted(range(len(names)), key=lambda i: number(f"{word} {names[i]}")))


def _most(settings: TrainSettings, images: int) -> int:
    return min(images, settings.learn_images or images)


def _ends(images: int, settings: TrainSettings) -> tuple[int, int]:
    """How many are held out, and where those end that are watched."""
    if images < _FEWEST:
        raise UserError(f"train: split_by is image, and {images} images are drawn; expected at least {_FEWEST}")
    held = math.ceil(images * HELD_OUT_SHARE)
    return held, held + math.ceil((images - held) * settings.inner_share)
