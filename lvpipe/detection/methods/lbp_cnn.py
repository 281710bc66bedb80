"""A cascade proposes squares, a network chooses the heart's, which is then followed through the stack (paper 002)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import DetectSettings, ProposalSettings
from lvpipe.detection.cascade.proposals import propose
from lvpipe.detection.classifier import Scorer
from lvpipe.detection.finding import NO_IMAGE, Finding, Scene, nothing
from lvpipe.detection.fitter import Fitter
from lvpipe.detection.lessons import moments
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.patches import Cutters
from lvpipe.detection.refinement import Walked, average, follow, walk
from lvpipe.learning.weights import load_networks
from lvpipe.squares import Squares, overlap

if TYPE_CHECKING:
    from torch import nn

_GRID_STEP, _GRID_RATIO = 0.25, 1.4
"""Of the squares that are asked where the cascade proposes none: step as a share of the side, and ratio of sides."""

_ROUNDING_PX = 1e-6

_LEAST_SCORE = 0.2
"""Of a study, slices that took a neighbour's square counted as 0: a heart is seen from base to apex, and even where the
fold's patients are few in half of the slices."""

_SAME_HEART = 0.5
"""Proposals that overlap this much are taken to be about the same heart."""

_SURE_SCORE = 0.5
"""Of a study: with this much no other place is looked at, for what slices voted for is seldom wrong."""

_STARTS, _OTHER_HEART = 3, 0.1
"""So many places are followed through the stack; proposals that overlap less than this are of different places."""

_OWN_SHARE = 1e-3
"""What a proposal's own score counts beside those that agree: it decides where all slices agree alike."""


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """Where the heart is, by the files of `cascade`, `classifier` and, to fit squares, `fitter` that the scene has."""
    if not np.ptp(scene.cine_tzyx):
        return nothing(NO_IMAGE)
    moments_tzyx = moments(scene.cine_tzyx)
    cutters = Cutters(moments_tzyx)
    scorer = Scorer(_networks(scene, "classifier", settings), cutters, settings)
    ranked, proposed = rank(replace(scene, cine_tzyx=moments_tzyx), scorer, settings.proposals)
    if not len(ranked) or ranked[:, 4].max() < settings.refine.least_score:
        return _none(ranked, proposed)
    follow_from = _follower(scene, scorer, cutters, settings)
    best = _surest(follow_from(*start) for start in _starts(ranked, settings.refine.least_score))
    score, seen = _score(best), int(np.isfinite(best.scores).sum())
    if score < _LEAST_SCORE:
        told = f"what looks like a heart in the middle does in {seen} of {len(best.scores)} slices"
        return nothing(told, score, ranked[:proposed])
    return Finding(best.squares, score, best.scores, ranked[:proposed])


def _follower(
    scene: Scene, scorer: Scorer, cutters: Cutters, settings: DetectSettings
) -> Callable[[int, NDArray[np.float64]], Walked]:
    """How a square of one slice is followed through the stack."""
    slices = scene.cine_tzyx.shape[1]
    if settings.refine.by == "walk":
        return lambda start, square: walk(start, square, slices, scorer.score, settings.refine)
    fitter = Fitter(_networks(scene, "fitter", settings), cutters, settings)
    return lambda start, square: follow(start, square, slices, fitter.fit, scorer.score, settings.refine)


def _surest(followed: Iterable[Walked]) -> Walked:
    """The first place that most of the stack shows, else the one that most of it does."""
    seen: list[Walked] = []
    for walked in followed:
        if _score(walked) >= _SURE_SCORE:
            return walked
        seen.append(walked)
    return max(seen, key=_score)


def _score(walked: Walked) -> float:
    """The mean over all slices; one with a neighbour's square counts as 0."""
    return float(np.nansum(walked.scores)) / len(walked.scores)


def _networks(scene: Scene, part: str, settings: DetectSettings) -> "list[nn.Module]":
    return load_networks(scene.learnt[part], settings.device, NETWORKS[part])


def _none(ranked: NDArray[np.float64], proposed: int | None) -> Finding:
    score = float(ranked[:, 4].max()) if len(ranked) else 0.0
    best = f"the best of {len(ranked)} scores {score:.2f}" if len(ranked) else "every image is of one value"
    return nothing(f"no square looks like a heart: {best}", score, ranked[:proposed])


def rank(scene: Scene, scorer: Scorer, settings: ProposalSettings) -> tuple[NDArray[np.float64], int | None]:
    """All squares with their scores, `(n, 5)`: slice, row, column, side, score; what most slices agree on first.

    And how many of them the cascade proposed: all (None), or nothing (0). A heart is proposed at nearly the same place
    in several slices, what only looks like one seldom is.
    """
    images_zyx = scene.cine_tzyx[0]
    shown = np.flatnonzero(np.ptp(images_zyx, axis=(1, 2)))
    middle = shown[list(middle_slices(len(shown), settings.slices))]
    places = [(int(z), _proposed(scene, images_zyx[z], settings)) for z in middle]
    if not places:
        return np.empty((0, 5)), None
    proposed = None if any(len(squares) for _, squares in places) else 0
    if proposed == 0:
        places = [(z, _everywhere(images_zyx[z], scene.pixel_mm, settings)) for z, _ in places]
    scored = zip(places, scorer.score(places), strict=True)
    rows = [np.column_stack([np.full(len(sure), z), squares, sure]) for (z, squares), sure in scored]
    kept = np.concatenate([_best(of_slice, settings.most) for of_slice in rows])
    return kept[np.argsort(-_votes(kept), kind="stable")], proposed


def _best(proposals: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """So many of them: a grid has thousands of squares, and each one that votes is compared with every other."""
    return proposals[np.argsort(-proposals[:, 4], kind="stable")[:most]]


def _votes(proposals: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each proposal the sum over the slices of the best score there of squares that are about the same heart."""
    scores = np.where(overlap(proposals[:, 1:4], proposals[:, 1:4]) >= _SAME_HEART, proposals[:, 4], 0)
    of_slices = [scores[:, proposals[:, 0] == z].max(axis=1) for z in np.unique(proposals[:, 0])]
    return np.asarray(np.sum(of_slices, axis=0) + _OWN_SHARE * proposals[:, 4])


def middle_slices(slices: int, most: int) -> range:
    """So many slices about the middle one, as far as there are."""
    wanted = min(most, slices)
    first = min(max(slices // 2 - wanted // 2, 0), slices - wanted)
    return range(first, first + wanted)


def _proposed(scene: Scene, image_yx: NDArray[np.uint8], settings: ProposalSettings) -> Squares:
    """Of the first fold's cascade that proposes anything: they differ by little, and each takes its time."""
    for file in scene.learnt["cascade"]:
        proposed = propose([file], image_yx, scene.pixel_mm, settings)[:, :3]
        if len(proposed):
            return proposed
    return np.empty((0, 3))


def _everywhere(image_yx: NDArray[np.uint8], pixel_mm: float, settings: ProposalSettings) -> Squares:
    """A coarse grid of squares of all sizes within the image; one that is larger lies about its middle."""
    low, high = (side / pixel_mm for side in settings.side_mm)
    sides = low * _GRID_RATIO ** np.arange(1 + np.log(high / low) / np.log(_GRID_RATIO))
    return np.concatenate([_of_side(side, image_yx.shape) for side in sides])


def _of_side(side: float, shape_yx: tuple[int, ...]) -> Squares:
    firsts = [(min(side, size) - 1) / 2 for size in shape_yx]
    rows, columns = (
        np.arange(first, max(size - 1 - first, first) + _ROUNDING_PX, side * _GRID_STEP)
        for first, size in zip(firsts, shape_yx, strict=True)
    )
    row, column = np.meshgrid(rows, columns, indexing="ij")
    return np.column_stack([row.ravel(), column.ravel(), np.full(row.size, side)])


def _starts(ranked: NDArray[np.float64], least_score: float) -> list[tuple[int, NDArray[np.float64]]]:
    """The slice and the square of the first proposal, and of others that may be of another heart.

    Whatever is round and bright may look like a heart in three slices; from base to apex only the heart does.
    """
    starts: list[tuple[int, NDArray[np.float64]]] = []
    left = ranked
    while len(left) and len(starts) < _STARTS and (not starts or left[0, 4] >= least_score):
        starts.append(_winner(left))
        left = left[overlap(left[:, 1:4], left[:1, 1:4])[:, 0] < _OTHER_HEART]
    return starts


def _winner(proposals: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    """A slice, and the mean of its best proposals that are about the same heart as the first one."""
    of_slice = proposals[proposals[:, 0] == proposals[0, 0]]
    same = overlap(of_slice[:, 1:4], of_slice[:1, 1:4])[:, 0] >= _SAME_HEART
    return int(proposals[0, 0]), average(of_slice[same, 1:4], of_slice[same, 4])
