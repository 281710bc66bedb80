"""The optimal combination of candidates: weights with the least CRPS on forecasts of cases that none has learnt from.

A mixture's CRPS is quadratic in its weights: with P_k the candidates' distribution functions and H the reference's,
sum_n (sum_k w_k P_k(n) - H(n))^2. So the best weights, none negative and together 1, are found exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from lvpipe.forecasting.candidates import Candidate, Fitted
from lvpipe.forecasting.panels import Floats, Known, Rows
from lvpipe.metrics import FORECAST_ML, crps, pit

_DIGITS = 4
"""Of weights."""

_ONE_STRESS = 1e3
"""How much more a sum of weights other than 1 counts than a misfit: enough for six digits; then they are divided."""

_JITTER = 1e-9
"""Candidates that are alike to the last digit leave the weights undetermined: then they share."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """What was learnt from some cases: every candidate's fit and weight, and its CRPS on cases it had not seen."""

    fits: Mapping[str, Fitted]
    weights: Mapping[str, float]
    inner_crps: Mapping[str, float]
    inner_pits: Mapping[str, float]
    """By case where its volume lies in what was said of its fold without it."""

    cases: int

    def forecast(self, rows: Rows) -> Floats:
        """The weighted mean of the candidates' distribution functions, `(rows, 600)`."""
        forecasts = np.concatenate([fit.forecast(rows) for fit in self.fits.values()])
        return np.tensordot(np.array(list(self.weights.values())), forecasts, 1)

    def summary(self) -> Mapping[str, object]:
        """As it stands in the calibrator."""
        names = self.weights.keys() | self.inner_crps.keys()
        chosen = {name: {"weight": self.weights.get(name), "crps": self.inner_crps[name]} for name in sorted(names)}
        learnt = {name: fit.summary() for name, fit in self.fits.items()}
        return {"cases": self.cases, "candidates": chosen, "learnt": learnt}


def learn(candidates: Sequence[Candidate], known: Known) -> Mixture:
    """Tune and fit every candidate, and weigh them by what they say of folds that they were not fitted to."""
    tuned = [candidate.tuned(known) for candidate in candidates]
    inner = np.concatenate([held_out(candidate, known) for candidate in tuned])
    names = [name for candidate in tuned for name in candidate.names]
    weights = best_weights(inner, known.volumes_ml)
    scores = {name: _score(one, known) for name, one in zip(names, inner, strict=True)}
    mixed = np.tensordot(weights, inner, 1)
    scores["mixture"] = _score(mixed, known)
    pits = {row.case: float(at) for row, at in zip(known.rows.cases, pit(mixed, known.volumes_ml), strict=True)}
    fits = {candidate.name: candidate.fit(known) for candidate in tuned}
    return Mixture(fits, dict(zip(names, weights.tolist(), strict=True)), scores, pits, len(known.volumes_ml))


def held_out(candidate: Candidate, known: Known) -> Floats:
    """What a candidate says of each fold after a fit to the others, `(names, rows, 600)`."""
    forecasts = np.empty((len(candidate.names), len(known.volumes_ml), len(FORECAST_ML)))
    for fold in np.unique(known.folds):
        here = known.folds == fold
        forecasts[:, here] = candidate.fit(known.without(int(fold))).forecast(known.rows.only(here))
    return forecasts


def best_weights(forecasts: Floats, volumes_ml: Floats) -> Floats:
    """The weights, none negative and together 1, of the mixture with the least mean CRPS."""
    misses = (forecasts - (volumes_ml[:, None] <= FORECAST_ML)).reshape(len(forecasts), -1)
    # With weights that add up to 1 the mixture's miss is the mixture of misses: its square has these coefficients.
    squares = misses @ misses.T / misses.shape[1]
    squares += _JITTER * np.eye(len(squares))
    root = np.linalg.cholesky(squares).T / np.sqrt(np.trace(squares))
    stress = np.full((1, len(root)), _ONE_STRESS)
    weights, _ = nnls(np.vstack([root, stress]), np.append(np.zeros(len(root)), _ONE_STRESS))
    rounded = np.round(weights / weights.sum(), _DIGITS)
    return np.asarray(rounded / rounded.sum())


def _score(forecasts: Floats, known: Known) -> float:
    return round(float(crps(forecasts, known.volumes_ml).mean()), 6)
