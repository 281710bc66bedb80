"""GentleBoost (Friedman, Hastie and Tibshirani 2000) over look-up tables of local binary patterns: one stage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lvpipe.detection.cascade.lbp import CODES
from lvpipe.detection.cascade.model import Learner, Stage

QUANTUM = 2.0**-12
"""Leaves are whole multiples of it: their sums are then exact in the single precision of those who run the cascade."""

_FLIPS = np.arange(CODES)[:, None] ^ (1 << np.arange(8))
"""The eight codes that differ from each code by one bit."""

_SHARED = 0.25
"""Weight with which an example also counts for the codes that differ from its own by one bit: new patients bring codes
that no example has. Of 78 pictures of 13 unseen real patients a cascade kept 78 with it, 76 with 0 or 0.1 (false alarm
4e-4)."""


_TINY = 1e-12
"""Sums of weights below it are rounding errors of what was taken away."""


@dataclass(frozen=True)
class Lot:
    """The examples of a stage: codes of the features it may choose from, `(feature, example)`."""

    features: NDArray[np.int64]
    positive: NDArray[np.uint8]
    negative: NDArray[np.uint8]


def boost(lot: Lot, hit_rate: float, false_alarm: float, most: int) -> tuple[Stage, NDArray[np.bool_], float]:
    """Add tables until enough negatives are told apart; the stage, which positives pass, and its false alarm."""
    positive, negative = np.zeros(lot.positive.shape[1]), np.zeros(lot.negative.shape[1])
    learners: list[Learner] = []
    while True:
        learner, row = _best(lot, _weights(-positive), _weights(negative))
        learners.append(learner)
        positive += learner.scores(lot.positive[row])
        negative += learner.scores(lot.negative[row])
        threshold = _threshold(positive, hit_rate)
        alarm = float((negative >= threshold).mean())
        if alarm <= false_alarm or len(learners) == most:
            return Stage(tuple(learners), threshold), positive >= threshold, alarm


def _threshold(scores: NDArray[np.float64], hit_rate: float) -> float:
    """Half a quantum below the lowest score that must pass: rounding decides nothing."""
    missed = int((1 - hit_rate) * len(scores) + 1e-9)
    return float(np.sort(scores)[missed]) - QUANTUM / 2


def _weights(exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of one class; both classes weigh the same at first, however many examples each has."""
    return np.asarray(np.exp(exponents) / len(exponents))


def _best(lot: Lot, heavy: NDArray[np.float64], light: NDArray[np.float64]) -> tuple[Learner, int]:
    """The table that leaves the least squared error, and its feature's row."""
    positive, negative = _histograms(lot.positive, heavy), _histograms(lot.negative, light)
    weight, response = positive + negative, positive - negative
    order = np.argsort(response / np.maximum(weight, _TINY), axis=1, kind="stable")
    left_weight, left_response = (
        np.cumsum(np.take_along_axis(values, order, axis=1), axis=1)[:, :-1] for values in (weight, response)
    )
    total_weight, total_response = weight.sum(axis=1, keepdims=True), response.sum(axis=1, keepdims=True)
    gains = _gain(left_response, left_weight) + _gain(total_response - left_response, total_weight - left_weight)
    row, cut = np.unravel_index(int(gains.argmax()), gains.shape)
    subset = np.zeros(CODES, bool)
    subset[order[row, : cut + 1]] = True
    leaves = (_leaf(response[row, side], weight[row, side]) for side in (subset, ~subset))
    x, y, width, height = lot.features[row].tolist()
    return Learner((x, y, width, height), subset, (next(leaves), next(leaves))), int(row)


def _histograms(codes: NDArray[np.uint8], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of the examples with each code, those with a code beside it counted in part, `(feature, code)`."""
    own = np.stack([np.bincount(row, weights, CODES) for row in codes])
    return np.asarray(own + _SHARED * own[:, _FLIPS].sum(axis=2))


def _gain(response: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(response**2 / np.maximum(weight, _TINY))


def _leaf(response: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return round(float(response.sum() / max(weight.sum(), _TINY)) / QUANTUM) * QUANTUM
