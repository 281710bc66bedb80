"""Which rules of `postprocess` the drawn cases of a model ask for, by cross-validation.

Each case was drawn by the models that never saw its patient, and each choice is made on cases of other folds than those
that it is for: so masks of training cases stay what unseen patients get.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.postprocess import Choice, PostprocessSettings
from lvpipe.errors import Rejected
from lvpipe.images import Image, read_image, read_images
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.masks import draw_cavity, tempered
from lvpipe.metrics import dice

TEMPERATURES: Final = (0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0)
"""Steps of a sixth: between two of them the likelihood of pixels hardly changes."""

THRESHOLDS: Final = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)

COMPONENTS: Final = ("all", "largest_in_slice", "largest_in_stack")

FEWEST_PATIENTS: Final = 5
"""The standard error of fewer gains says little: two that happen to agree have none."""

LEAST_GAIN: Final = 0.001
"""A Dice that is better by less is told as the same, to three decimals: not worth another setting."""

_HALF_BYTE = 0.5 / 255
"""Probabilities are stored in a byte: what is nearer to 0 or 1 than this is there 0 or 1, whatever the temperature."""


@dataclass(frozen=True, eq=False)
class DrawnCase:
    """The frames of a case that an expert drew, cut to where the network or the expert sees any cavity."""

    case: str
    patient: str
    fold: int
    prob: Image
    cavity: NDArray[np.bool_]
    drawn_tz: NDArray[np.bool_]


def read_drawn(members: Iterable[tuple[str, str, int]], probs: Path, references: Path) -> Iterator[DrawnCase]:
    """The cases (name, patient, fold) that were drawn; rejected ones have nothing to say."""
    for case, patient, fold in members:
        try:
            prob = read_images(probs / f"{case}_prob.nii.gz")[0]
            reference = read_image(references / f"{case}_reference.nii.gz").array_tzyx
        except Rejected as reason:
            print(f"{case}: chooses nothing: {reason}")
            continue
        if (reference != NOT_ANNOTATED).any():
            yield DrawnCase(case, patient, fold, *_cut(prob, reference))


def choose(cases: Sequence[DrawnCase], settings: PostprocessSettings, folds: int) -> dict[str, Any]:
    """What is chosen for the cases of each fold, on those of the others, and for `all` other cases, on all of these."""
    judge = _Judge()
    groups = {str(fold): [case for case in cases if case.fold != fold] for fold in range(folds)}
    return {name: _choose(group, settings, judge) for name, group in (groups | {"all": list(cases)}).items()}


class _Judge:
    """How good the masks of cases are under some settings; the same question is answered once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, PostprocessSettings], float] = {}

    def dice(self, case: DrawnCase, settings: PostprocessSettings) -> float:
        """The mean Dice of a case's drawn slices; a slice on whose emptiness both agree counts as 1."""
        key = (case.case, settings)
        if key not in self._known:
            self._known[key] = _mean_dice(draw_cavity(case.prob, settings), case)
        return self._known[key]

    def by_patient(self, cases: Sequence[DrawnCase], settings: PostprocessSettings) -> NDArray[np.float64]:
        """The mean over each patient's cases."""
        found: dict[str, list[float]] = {}
        for case in cases:
            found.setdefault(case.patient, []).append(self.dice(case, settings))
        return np.array([np.mean(values) for values in found.values()])


def _choose(cases: Sequence[DrawnCase], settings: PostprocessSettings, judge: _Judge) -> dict[str, Any]:
    patients = len({case.patient for case in cases})
    chosen, tried = settings, []
    for name in ("temperature", "threshold", "components"):
        if name in settings.choose and patients >= FEWEST_PATIENTS:
            account = _try(name, _candidates(name, cases), cases, chosen, judge)
            chosen = chosen.model_copy(update={name: account["chosen"]})
            tried.append(account)
    values = {name: getattr(chosen, name) for name in settings.choose}
    return {"cases": len(cases), "patients": patients, "tried": tried, "chosen": values}


def _candidates(name: Choice, cases: Sequence[DrawnCase]) -> Sequence[Any]:
    if name == "temperature":
        return (_likeliest_temperature(cases),)
    return THRESHOLDS if name == "threshold" else COMPONENTS


def _try(
    name: Choice, values: Sequence[Any], cases: Sequence[DrawnCase], settings: PostprocessSettings, judge: _Judge
) -> dict[str, Any]:
    """The best of these values, where it beats the configured one by more than a standard error and `LEAST_GAIN`.

    A gain of one patient alone is just one standard error, however large it is: never enough.
    """
    configured = getattr(settings, name)
    before = judge.by_patient(cases, settings)
    after = {value: judge.by_patient(cases, settings.model_copy(update={name: value})) for value in values}
    best = max(after, key=lambda value: float(after[value].mean()))
    gains = after[best] - before
    gain, error = (round(float(value), 6) for value in (gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))))
    least = max(error, LEAST_GAIN)
    return {
        "what": name,
        "configured": configured,
        "dice": round(float(before.mean()), 6),
        "candidates": [{"value": value, "dice": round(float(dice.mean()), 6)} for value, dice in after.items()],
        "best": best,
        "gain": gain,
        "least_gain": least,
        "chosen": best if gain > least else configured,
    }


def _likeliest_temperature(cases: Sequence[DrawnCase]) -> float:
    """That of the lowest mean negative log likelihood of the pixels whose probability it changes."""
    told = [_doubtful(case) for case in cases]
    prob, cavity = (np.concatenate(parts) for parts in zip(*told, strict=True))
    return min(TEMPERATURES, key=lambda temperature: _surprise(tempered(prob, temperature), cavity))


def _doubtful(case: DrawnCase) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The pixels of drawn slices of whose label the network is not certain, and whether they are cavity."""
    prob, cavity = case.prob.array_tzyx[case.drawn_tz], case.cavity[case.drawn_tz]
    there = (prob > _HALF_BYTE) & (prob < 1 - _HALF_BYTE)
    return prob[there], cavity[there]


def _surprise(prob: NDArray[Any], cavity: NDArray[np.bool_]) -> float:
    return float(-np.log(np.where(cavity, prob, 1 - prob), dtype=np.float64).sum())


def _mean_dice(mask: NDArray[np.bool_], case: DrawnCase) -> float:
    """A slice that is empty in both has no Dice, but counts here: all candidates are judged by the same slices."""
    pairs = zip(mask[case.drawn_tz], case.cavity[case.drawn_tz], strict=True)
    return float(np.mean([1.0 if math.isnan(value := dice(*pair)) else value for pair in pairs]))


def _cut(prob: Image, reference_tzyx: NDArray[Any]) -> tuple[Image, NDArray[np.bool_], NDArray[np.bool_]]:
    """Beyond its cut a case has neither probability nor cavity: its masks are the same."""
    drawn_tz = (reference_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    frames = np.flatnonzero(drawn_tz.any(axis=1))
    values, cavity = prob.array_tzyx[frames], reference_tzyx[frames] == CAVITY
    seen = ((values > 0) | cavity).any(axis=(0, 1))
    rows, columns = (_reach(seen.any(axis=axis)) for axis in (1, 0))
    cut = Image(values[:, :, rows, columns].copy(), prob.affine, prob.time_step_ms)
    return cut, cavity[:, :, rows, columns].copy(), drawn_tz[frames]


def _reach(seen: NDArray[np.bool_]) -> slice:
    places = np.flatnonzero(seen)
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 1)
