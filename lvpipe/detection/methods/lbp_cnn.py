"""A cascade proposes squares, a network chooses the heart's, which is then followed through the stack (paper 002)."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import DetectSettings, ProposalSettings
from lvpipe.detection.cascade.proposals import propose
from lvpipe.detection.classifier import Scorer
from lvpipe.detection.finding import NO_IMAGE, Finding, Scene, nothing
from lvpipe.detection.fitter import Fitter
from lvpipe.detection.lessons import moments
from lvpipe.detection.patches import Cutters
from lvpipe.detection.refinement import average, follow, walk
from lvpipe.learning.weights import load_networks
from lvpipe.squares import Squares, overlap

_GRID_STEP, _GRID_RATIO = 0.25, 1.4
"""Of the squares that are asked where the cascade proposes none: step as a share of the side, and ratio of sides."""

_ROUNDING_PX = 1e-6

_SAME_HEART = 0.5
"""Proposals that overlap this much are taken to be about the same heart."""

_OWN_SHARE = 1e-3
"""What a proposal's own score counts beside those that agree: it decides where all slices agree alike."""


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """Where the heart is, by the files of `cascade`, `classifier` and, to fit squares, `fitter` that the scene has."""
    if not np.ptp(scene.cine_tzyx):
        return nothing(NO_IMAGE)
    moments_tzyx = moments(scene.cine_tzyx)
    slices, cutters = moments_tzyx.shape[1], Cutters(moments_tzyx)
    scorer = Scorer(load_networks(scene.learnt["classifier"], settings.device), cutters, settings)
    ranked, proposed = rank(replace(scene, cine_tzyx=moments_tzyx), scorer, settings.proposals)
    if not len(ranked) or ranked[:, 4].max() < settings.refine.least_score:
        return _none(ranked, proposed)
    start, square = _winner(ranked)
    if settings.refine.by == "walk":
        walked = walk(start, square, slices, scorer.score, settings.refine)
    else:
        fitter = Fitter(load_networks(scene.learnt["fitter"], settings.device), cutters, settings)
        walked = follow(start, square, slices, fitter.fit, scorer.score, settings.refine)
    sure = walked.scores[np.isfinite(walked.scores)]
    if not len(sure):
        return nothing("what looked like a heart does not, once it is fitted", 0.0, ranked[:proposed])
    return Finding(walked.squares, float(sure.mean()), walked.scores, ranked[:proposed])


def _none(ranked: NDArray[np.float64], proposed: int | None) -> Finding:
    score = float(ranked[:, 4].max()) if len(ranked) else 0.0
    best = f"the best of {len(ranked)} scores {score:.2f}" if len(ranked) else "the images are too small for any"
    return nothing(f"no square looks like a heart: {best}", score, ranked[:proposed])


def rank(scene: Scene, scorer: Scorer, settings: ProposalSettings) -> tuple[NDArray[np.float64], int | None]:
    """All squares with their scores, `(n, 5)`: slice, row, column, side, score; what most slices agree on first.

    And how many of them the cascade proposed: all (None), or nothing (0). A heart is proposed at nearly the same place
    in several slices, what only looks like one seldom is.
    """
    images_zyx = scene.cine_tzyx[0]
    places = [(z, _proposed(scene, images_zyx[z], settings)) for z in middle_slices(len(images_zyx), settings.slices)]
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
    return np.asarray(propose(scene.learnt["cascade"], image_yx, scene.pixel_mm, settings)[:, :3])


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


def _winner(proposals: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    """A slice, and the mean of its best proposals that are about the same heart as the first one."""
    of_slice = proposals[proposals[:, 0] == proposals[0, 0]]
    same = overlap(of_slice[:, 1:4], of_slice[:1, 1:4])[:, 0] >= _SAME_HEART
    return int(proposals[0, 0]), average(of_slice[same, 1:4], of_slice[same, 4])
