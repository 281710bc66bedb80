"""A cascade of boosted stages, and which windows of an image it lets pass."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lvpipe.detection.cascade.lbp import Feature, window_codes


@dataclass(frozen=True)
class Learner:
    """A look-up table on one feature's code: `leaves[0]` for the codes in `subset`, else `leaves[1]`."""

    feature: Feature
    subset: NDArray[np.bool_]
    leaves: tuple[float, float]

    def scores(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What it says of windows with these codes."""
        return np.where(self.subset, *self.leaves)[codes]


@dataclass(frozen=True)
class Stage:
    """Passes what its learners' scores add up to `threshold` or more."""

    learners: tuple[Learner, ...]
    threshold: float

    def passes(self, codes_of: Callable[[Feature], NDArray[np.uint8]]) -> NDArray[np.bool_]:
        """Which windows pass, given how to have their codes of a feature."""
        total = sum(learner.scores(codes_of(learner.feature)) for learner in self.learners)
        return np.asarray(total >= self.threshold)


@dataclass(frozen=True)
class Cascade:
    """Stages one after the other; a window is a heart's only if it passes all."""

    window_px: int
    stages: tuple[Stage, ...]

    def passing(self, sums_yx: NDArray[np.int32], places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which of these windows of an image pass: those few that are left go on to the next stage."""
        for stage in self.stages:
            places = places[stage.passes(partial(window_codes, sums_yx, places))]
        return places
