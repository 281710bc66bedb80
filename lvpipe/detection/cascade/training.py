"""Learning a cascade, stage by stage (Viola and Jones 2001; OpenCV's traincascade works alike)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import CascadeSettings
from lvpipe.detection.cascade.boosting import Lot, boost
from lvpipe.detection.cascade.examples import Album, Mine, draw_positives
from lvpipe.detection.cascade.lbp import all_features, patch_codes, patch_integrals
from lvpipe.detection.cascade.model import Cascade, Stage
from lvpipe.detection.lessons import Lesson
from lvpipe.errors import UserError

COLUMNS = ("stage", "weak_learners", "positives", "hit_rate", "negatives", "false_alarm", "negatives_seen")
"""Of the table of stages; `negatives_seen` is how many windows were asked about until those negatives had passed."""

_FEWEST = 0.1
"""Where fewer than this share of the wanted negatives pass all stages, there are no more to learn from."""


@dataclass(frozen=True)
class Learnt:
    """A cascade, and a row for each of its stages."""

    cascade: Cascade
    table: tuple[dict[str, float], ...]


def learn_cascade(lessons: Sequence[Lesson], settings: CascadeSettings) -> Learnt:
    """Learn to tell squares around hearts from other squares of the same images.

    Raises:
        UserError: there is nothing to learn from, or nothing that tells the one from the other.
    """
    training = _Training(lessons, settings)
    while len(training.stages) < settings.stages and training.add_stage():
        pass
    if not training.stages:
        raise UserError(
            f"detect cascade: nothing tells the squares around hearts of {len(lessons)} cases from others; "
            "expected images that are not of one colour, larger than the hearts: look at the view's pictures"
        )
    return Learnt(training.cascade, tuple(training.table))


@dataclass
class _Training:
    lessons: Sequence[Lesson]
    settings: CascadeSettings
    stages: list[Stage] = field(default_factory=list)
    table: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        album = Album(self.lessons)
        if not album.places:
            raise UserError("detect cascade: no drawn heart to learn from; expected a cohort with masks in `masks`")
        given, self._dice = self.settings, np.random.default_rng(self.settings.seed)
        self._features = all_features(given.window_px)
        self._mine = Mine(album, given.window_px, given.negative_iou, self._dice)
        self._positive = draw_positives(album, given.positives, given.window_px, self._dice)
        self._negative = np.empty((0, given.window_px, given.window_px), np.uint8)

    @property
    def cascade(self) -> Cascade:
        return Cascade(self.settings.window_px, tuple(self.stages))

    def add_stage(self) -> bool:
        """Learn one more; whether that was of use."""
        given, wanted = self.settings, round(self.settings.positives * self.settings.negatives_per_positive)
        mined, passed, seen = self._mine.dig(self.cascade, wanted - len(self._negative), given.images)
        self._negative = np.concatenate([self._negative, mined])
        if passed <= given.overall_false_alarm * seen or len(self._negative) < _FEWEST * wanted:
            return False
        stage, hits, alarm = boost(self._lot(), given.hit_rate, given.false_alarm, given.weak_learners)
        if alarm == 1:
            return False
        row = (len(stage.learners), len(hits), hits.mean(), len(self._negative), alarm, seen)
        self.table.append(dict(zip(COLUMNS, (len(self.table), *row), strict=True)))
        self.stages.append(stage)
        self._positive = self._positive[hits]
        self._negative = self._negative[_passing(stage, self._negative)]
        return True

    def _lot(self) -> Lot:
        features = self._features
        if self.settings.features is not None and self.settings.features < len(features):
            features = features[np.sort(self._dice.permutation(len(features))[: self.settings.features])]
        positive, negative = (patch_codes(patch_integrals(p), features) for p in (self._positive, self._negative))
        return Lot(features, positive, negative)


def _passing(stage: Stage, patches: NDArray[np.uint8]) -> NDArray[np.bool_]:
    sums = patch_integrals(patches)
    return stage.passes(lambda feature: patch_codes(sums, np.array([feature]))[0])
