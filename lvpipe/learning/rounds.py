"""What each epoch teaches that learns from volumes: masks alone at first, then rounds of both and of volumes alone."""

from typing import NamedTuple

from lvpipe.config.train import VolumeTeaching


class Lesson(NamedTuple):
    """What an epoch teaches, and whether the frames are picked before it."""

    masks: bool
    volumes: bool
    picks: bool


def plan_lessons(teaching: VolumeTeaching, epochs: int, masks: bool, started: bool) -> list[list[Lesson]]:
    """The lessons of all epochs, leg by leg: `epochs` of masks alone, unless it was `started` elsewhere, then rounds.

    Without masks there are `epochs` of volumes alone.
    """
    if not masks:
        return [[Lesson(masks=False, volumes=True, picks=_is_time(teaching, i)) for i in range(epochs)]]
    alone = [Lesson(masks=True, volumes=False, picks=False)] * epochs
    in_round = [
        Lesson(masks=i < teaching.both_epochs, volumes=True, picks=_is_time(teaching, i))
        for i in range(teaching.both_epochs + teaching.volumes_epochs)
    ]
    return [*([] if started else [alone]), *([in_round] * teaching.rounds)]


def _is_time(teaching: VolumeTeaching, epoch: int) -> bool:
    """Whether frames are picked before this epoch of a round."""
    return epoch % teaching.pick_epochs == 0 if teaching.pick_epochs else epoch == 0
