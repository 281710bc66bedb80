"""What the spread of a Gaussian forecast is worth (Liao et al., table III, figure 9b), measured on a model's volumes.

The mean is the estimate as it is; sigma is 0, or follows from the areas' errors (`hat`: by each window and beta), or is
the best there is of each single case (`best`), which needs its reference: no forecast, but what others can be held to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import INCOMPLETE
from lvpipe.comparison.gaussians import best_crps
from lvpipe.errors import UserError
from lvpipe.forecasting.forecasts import KINDS, AreaErrors, Slices, gaussian, sigma_hat_ml, slices_of, step
from lvpipe.metrics import crps
from lvpipe.tables import SheetRow, learnable, number

Floats = NDArray[np.float64]
Row = Mapping[str, str]

SIGMA: Final = ("model", "cohort", "split", "sigma", "window", "beta", "chosen", "cases", "crps")

_FLOOR_ML: Final = 0.01
"""Smallest spread of a Gaussian, as in the paper."""

_FEWEST_PAIRS: Final = 20
"""A window with fewer area pairs widens to the nearest ones."""


@dataclass(frozen=True)
class Volume:
    """One volume of one case: what was estimated from these slices, and its reference."""

    row: SheetRow
    estimate_ml: float
    reference_ml: float
    slices: Slices


@dataclass(frozen=True, eq=False)
class Scores:
    """CRPS of every volume by what was taken as sigma; of `hat` by window and beta."""

    volumes: Sequence[Volume]
    zero: Floats
    best: Floats
    hat: Mapping[tuple[float, float], Floats]

    @property
    def chosen(self) -> tuple[float, float]:
        """Window and beta with the lowest CRPS of split validate, as the paper has it; without one, of split train."""
        splits = [volume.row.split for volume in self.volumes]
        split = "validate" if "validate" in splits else "train"
        mine = np.array([one == split for one in splits])
        return min(self.hat, key=lambda pair: float(self.hat[pair][mine].mean()) if mine.any() else 0.0)


def read_volumes(sheet: Mapping[str, SheetRow], beats: Sequence[Row], pairs: Sequence[Row]) -> list[Volume]:
    """Every volume with a reference and an estimate from slices in boxes, in the order of the tables.

    Raises:
        UserError: there is none.
    """
    by_place: dict[tuple[str, str], list[Row]] = {}
    for row in pairs:
        by_place.setdefault((row["case"], row["frame"]), []).append(row)
    found = [_volume(kind, sheet[beat["case"]], beat, by_place) for beat in beats for kind in KINDS]
    if not any(found):
        raise UserError(
            "published: sigma: no case has volumes, references and slices in boxes; expected some of a model"
        )
    return [volume for volume in found if volume is not None]


def read_errors(sheet: Mapping[str, SheetRow], pairs: Sequence[Row]) -> tuple[Floats, Floats]:
    """Predicted and reference areas of drawn slices, as shares of their boxes; none of a patient who is tested.

    Raises:
        UserError: nothing was drawn.
    """
    learnt = {row.case for row in learnable(sheet.values())}
    drawn = [row for row in pairs if row["reference_mm2"] and row["box_mm2"] and row["case"] in learnt]
    if not drawn:
        raise UserError(
            "published: sigma: no slice of the model's cohorts was drawn; expected a cohort with `masks: true`, whose "
            "areas tell how areas err"
        )
    boxes = np.array([float(row["box_mm2"]) for row in drawn])
    predicted, reference = (np.array([float(row[name]) for row in drawn]) for name in ("cavity_mm2", "reference_mm2"))
    return predicted / boxes, reference / boxes


def score_sigmas(
    volumes: Sequence[Volume], areas: tuple[Floats, Floats], windows: Sequence[float], betas: Sequence[float]
) -> Scores:
    """The CRPS of every volume by every sigma."""
    means = np.array([volume.estimate_ml for volume in volumes])
    references = np.array([volume.reference_ml for volume in volumes])
    hat: dict[tuple[float, float], Floats] = {}
    for window in windows:
        errors = AreaErrors(*areas, window, _FEWEST_PAIRS)
        sigmas = np.array([sigma_hat_ml(volume.slices, errors) for volume in volumes])
        for beta in betas:
            hat[window, beta] = crps(gaussian(means, np.sqrt(beta) * sigmas, _FLOOR_ML), references)
    return Scores(volumes, crps(step(means), references), best_crps(means, references), hat)


def sigma_rows(model: str, scores: Scores) -> Iterator[dict[str, object]]:
    """Rows of sigma.csv: every cohort and split, first those of table III, then every window and beta."""
    chosen = scores.chosen
    kinds: list[tuple[tuple[object, ...], Floats]] = [
        (("0", None, None, 1), scores.zero),
        *((("hat", *pair, int(pair == chosen)), values) for pair, values in scores.hat.items()),
        (("best", None, None, 1), scores.best),
    ]
    places = [(volume.row.cohort, volume.row.split) for volume in scores.volumes]
    for place in dict.fromkeys(places):
        here = np.array([one == place for one in places])
        cases = len({volume.row.case for volume, mine in zip(scores.volumes, here, strict=True) if mine})
        for (sigma, window, beta, taken), values in kinds:
            cells = (model, *place, sigma, window, beta, taken, cases, float(values[here].mean()))
            yield dict(zip(SIGMA, cells, strict=True))


def _volume(kind: str, row: SheetRow, beat: Row, pairs: Mapping[tuple[str, str], Sequence[Row]]) -> Volume | None:
    word = kind.lower()
    estimate, reference = number(beat[f"{word}_ml"]), row.reference_ml(kind)
    slices = pairs.get((row.case, beat[f"{word[:2]}_frame"]), ())
    if not (estimate > 0 and np.isfinite(reference)) or not slices or INCOMPLETE in beat["flags"].split():
        return None
    names = ("cavity_mm2", "position_mm", "box_mm2")
    return Volume(
        row, estimate, reference, slices_of(*(np.array([number(one[name]) for one in slices]) for name in names))
    )
