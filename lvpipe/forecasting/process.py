"""A Gaussian process by hand (Rasmussen and Williams 2006, chapters 2 and 5), whose noise is known to differ.

y(x) = level + linear(x) + smooth(x) + noise(x): the linear part and the smooth one (a squared exponential) have a
length for each group of features, and the logarithm of the noise is linear in some of them. All these numbers are the
most probable ones given what was learnt from, under a prior that keeps them near what is usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, lapack, solve_triangular
from scipy.optimize import minimize

Floats = NDArray[np.float64]

_SMOOTH, _LEVEL, _NOISE = 0.7, 0.3, 0.8
"""Usual deviations of the three parts, where y has one of about 1."""

_SMOOTH_LENGTH, _LINEAR_LENGTH = 4.0, 8.0
"""Usual lengths, in deviations of a feature, times the root of the number of features in a group."""

_LOG_DEVIATION = 1.0
"""Prior deviation of the logarithms of parts and lengths."""

_SLOPE_DEVIATION = 0.1
"""Prior deviation of the noise's slopes: it may differ by a factor of some e^0.1 for a deviation of a feature."""

_LOG_NOISE_LIMIT = 4.0
"""The logarithm of the noise's variance stays within this, however odd a case."""

_JITTER = 1e-6
"""Added to the variance so that the matrix can be factored."""

_STEPS = 40
"""Of the optimiser; from there on what was learnt hardly changes a forecast."""

_DIGITS = 4
"""Of what is learnt."""


@dataclass(frozen=True)
class Kernel:
    """Which features make a group (numbers from 0 on, one a feature), and which tell how large the noise is."""

    groups: tuple[int, ...]
    noise: tuple[int, ...]

    @property
    def group_count(self) -> int:
        """The number of groups."""
        return max(self.groups) + 1

    def usual(self) -> Floats:
        """Logarithms of smooth, level, noise, and of one over the two lengths of each group; slopes of the noise."""
        sizes = np.sqrt(np.bincount(self.groups))
        parts = np.log([_SMOOTH, _LEVEL, _NOISE])
        lengths = [-np.log(length * sizes) for length in (_SMOOTH_LENGTH, _LINEAR_LENGTH)]
        return np.concatenate([parts, *lengths, np.zeros(len(self.noise))])

    def looseness(self) -> Floats:
        """The prior's deviation of each of these."""
        logs = 3 + 2 * self.group_count
        return np.array([_LOG_DEVIATION] * logs + [_SLOPE_DEVIATION] * len(self.noise))

    def apart(self, one: Floats, other: Floats) -> tuple[Floats, Floats]:
        """Squared distances and products of all pairs, a matrix for each group."""
        squares, products = [], []
        for group in range(self.group_count):
            here = np.flatnonzero(np.array(self.groups) == group)
            a, b = one[:, here], other[:, here]
            product = a @ b.T
            squares.append(np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * product, 0))
            products.append(product)
        return np.array(squares), np.array(products)

    def split(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """The three parts, the smooth and the linear lengths' inverse squares, and the noise's slopes."""
        count = self.group_count
        smooth, linear = (np.exp(2 * theta[3 + i * count : 3 + (i + 1) * count]) for i in range(2))
        return theta[:3], smooth, linear, theta[3 + 2 * count :]

    def covariance(self, theta: Floats, squares: Floats, products: Floats) -> tuple[Floats, Floats]:
        """The smooth part by itself, and all but the noise."""
        parts, smooth, linear, _ = self.split(theta)
        bumps = np.exp(2 * parts[0] - np.tensordot(smooth, squares, 1) / 2)
        return bumps, bumps + np.tensordot(linear, products, 1) + np.exp(2 * parts[1])

    def own(self, theta: Floats, x: Floats) -> Floats:
        """The variance of y at each x before anything is known, without noise."""
        parts, _, linear, _ = self.split(theta)
        weights = linear[list(self.groups)]
        return np.asarray(np.exp(2 * parts[0]) + np.exp(2 * parts[1]) + (x**2 * weights).sum(axis=1))

    def noise_variance(self, theta: Floats, x: Floats) -> Floats:
        """How much of y nothing tells."""
        parts, _, _, slopes = self.split(theta)
        logs = 2 * (parts[2] + x[:, list(self.noise)] @ slopes)
        return np.asarray(np.exp(np.clip(logs, -_LOG_NOISE_LIMIT, _LOG_NOISE_LIMIT)))


@dataclass(frozen=True, eq=False)
class Process:
    """What was learnt: of new cases a mean and a deviation."""

    kernel: Kernel
    theta: Floats
    x: Floats
    factor: Floats
    answers: Floats

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of y, noise included."""
        _, covariance = self.kernel.covariance(self.theta, *self.kernel.apart(x, self.x))
        explained = (solve_triangular(self.factor, covariance.T, lower=True) ** 2).sum(axis=0)
        variance = self.kernel.own(self.theta, x) - explained + self.kernel.noise_variance(self.theta, x)
        return covariance @ self.answers, np.sqrt(np.maximum(variance, _JITTER))


def condition(kernel: Kernel, theta: Floats, x: Floats, y: Floats) -> Process:
    """The process that has seen these."""
    _, covariance = kernel.covariance(theta, *kernel.apart(x, x))
    factor = np.asarray(np.linalg.cholesky(covariance + np.diag(kernel.noise_variance(theta, x) + _JITTER)), np.float64)
    return Process(kernel, theta, x, factor, np.asarray(cho_solve((factor, True), y)))


def most_probable(kernel: Kernel, x: Floats, y: Floats) -> Floats:
    """The numbers of a kernel that make these most probable, times their prior."""
    usual, looseness = kernel.usual(), kernel.looseness()
    squares, products = kernel.apart(x, x)

    def improbable(theta: Floats) -> tuple[float, Floats]:
        value, slope = _misfit(kernel, theta, (x, y), squares, products)
        away = (theta - usual) / looseness
        return value + float(away @ away) / 2, slope + away / looseness

    found = minimize(improbable, usual, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    return np.asarray(np.round(found.x, _DIGITS))


def _misfit(
    kernel: Kernel, theta: Floats, seen: tuple[Floats, Floats], squares: Floats, products: Floats
) -> tuple[float, Floats]:
    """Minus the logarithm of the probability of y, and its slopes."""
    x, y = seen
    parts, smooth, linear, _ = kernel.split(theta)
    bumps, covariance = kernel.covariance(theta, squares, products)
    noise = kernel.noise_variance(theta, x)
    factor, inverse = _inverted(covariance + np.diag(noise + _JITTER))
    answers = inverse @ y
    slope = (inverse - np.outer(answers, answers)) / 2
    bumpy = slope * bumps
    noisy = 2 * np.diag(slope) * noise
    slopes = (
        [2 * bumpy.sum(), 2 * np.exp(2 * parts[1]) * slope.sum(), noisy.sum()],
        -smooth * np.tensordot(squares, bumpy, 2),
        2 * linear * np.tensordot(products, slope, 2),
        noisy @ x[:, list(kernel.noise)],
    )
    return float(y @ answers) / 2 + float(np.log(np.diag(factor)).sum()), np.concatenate(slopes)


def _inverted(matrix: Floats) -> tuple[Floats, Floats]:
    """Cholesky factor and inverse of a symmetric matrix."""
    factor, _ = lapack.dpotrf(matrix, lower=1)
    inverse, _ = lapack.dpotri(factor, lower=1)
    lower = np.tril(inverse, -1)
    return factor, lower + lower.T + np.diag(np.diag(inverse))


@dataclass(frozen=True, eq=False)
class Scale:
    """Centre and deviation of each feature: what is not known is in the middle, what is odd is not too far off."""

    centre: Floats
    deviation: Floats

    _FARTHEST = 4.0

    @classmethod
    def of(cls, features: Floats) -> "Scale":
        """Those of cases that are learnt from; of what none of them knows, nothing is learnt."""
        known = np.isfinite(features)
        filled = np.where(known, features, 0.0)
        counts = np.maximum(known.sum(axis=0), 1)
        means = filled.sum(axis=0) / counts
        deviations = np.sqrt((np.where(known, features - means, 0.0) ** 2).sum(axis=0) / counts)
        return cls(np.array([_median(one[np.isfinite(one)]) for one in features.T]), deviations)

    def __call__(self, features: Floats) -> Floats:
        """Features in deviations from their centre."""
        usable = self.deviation > 0
        scaled = (features - self.centre) / np.where(usable, self.deviation, 1.0)
        return np.asarray(np.clip(np.nan_to_num(np.where(usable, scaled, 0.0)), -self._FARTHEST, self._FARTHEST))


def _median(known: Floats) -> float:
    return float(np.median(known)) if len(known) else 0.0


def grouped(names: Sequence[str], own: Sequence[str], noise: Sequence[str]) -> Kernel:
    """A kernel in which some features are groups of their own and all others share one."""
    present = [name for name in own if name in names]
    groups = tuple(present.index(name) if name in present else len(present) for name in names)
    return Kernel(groups, tuple(i for i, name in enumerate(names) if name in noise))
