"""`calibrate`: how sure we are; a forecast of EDV and ESV for every case, learnt on out-of-fold estimates alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import stage_parser
from lvpipe.cases import LEARNT_FROM
from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.files import read_table, write_json
from lvpipe.forecasts import (
    KINDS,
    AreaErrors,
    Slices,
    choose_beta,
    forecast_id,
    gaussian,
    sigma_hat_ml,
    slices_of,
    step,
    unseen,
    write_forecasts,
)
from lvpipe.tables import SheetRow, number, of_split, read_cases

_FEWEST_PAIRS = 5
"""Fewer area pairs than this say nothing about a spread: sigma-hat is left out and the forecast is a step."""

_BETA_UNKNOWN = 1.0
"""Without reference volumes nothing can be chosen: the variance stays as the area pairs have it."""


@dataclass(frozen=True)
class Estimate:
    """A case's point estimate of one volume and the slices that it came from."""

    volume_ml: float
    slices: Slices


@dataclass(frozen=True)
class Calibrator:
    """What is learnt for one volume: a scale of the estimates and the factor of the variance."""

    scale: float
    beta: float
    cases: int


def fit(
    estimates: Mapping[str, Estimate],
    references: Mapping[str, float],
    errors: AreaErrors | None,
    settings: CalibrateSettings,
) -> Calibrator:
    """Learn from the cases that have both an out-of-fold estimate and a reference."""
    known = sorted(case for case in references if case in estimates and np.isfinite(references[case]))
    if not known:
        return Calibrator(1.0, _BETA_UNKNOWN, 0)
    volumes = np.array([references[case] for case in known])
    raw = np.array([estimates[case].volume_ml for case in known])
    scale = float(np.median(volumes / raw)) if settings.shift == "scale" else 1.0
    if errors is None:
        return Calibrator(scale, 0.0, len(known))
    sigmas = np.array([sigma_hat_ml(estimates[case].slices, errors) for case in known])
    beta = choose_beta(scale * raw, scale * sigmas, volumes, settings.betas, settings.sigma_floor_ml)
    return Calibrator(scale, beta, len(known))


def predict(
    estimate: Estimate, calibrator: Calibrator, errors: AreaErrors | None, settings: CalibrateSettings
) -> NDArray[np.float64]:
    """The forecast of one volume."""
    mean = np.array([calibrator.scale * estimate.volume_ml])
    if errors is None:
        return np.asarray(step(mean)[0])
    sigma = calibrator.scale * np.sqrt(calibrator.beta) * sigma_hat_ml(estimate.slices, errors)
    return np.asarray(gaussian(mean, np.array([sigma]), settings.sigma_floor_ml)[0])


def main(argv: Sequence[str]) -> None:
    """Read volumes and area pairs of all cohorts, write the calibrator and every case's forecast."""
    parser = stage_parser(__doc__, CalibrateSettings, "cases", "calibrator", "forecasts")
    parser.add_argument("--volumes", type=Path, nargs="+", required=True, help="the cohorts' volume tables")
    parser.add_argument("--pairs", type=Path, nargs="+", required=True, help="the cohorts' area tables")
    args = parser.parse_args(argv)
    sheet = read_cases(args.cases)
    pairs = [row for path in args.pairs for row in read_table(path)]
    beats = {row["case"]: row for path in args.volumes for row in read_table(path)}
    errors = _errors(pairs, sheet, args.settings)
    forecasts: dict[str, NDArray[Any]] = {}
    learnt: dict[str, Calibrator] = {}
    for kind in KINDS:
        estimates = _estimates(kind, beats, pairs)
        references = {row.case: row.reference_ml(kind) for row in of_split(sheet.values(), *LEARNT_FROM)}
        learnt[kind] = fit(estimates, references, errors, args.settings)
        for case, row in sheet.items():
            found = estimates.get(case)
            forecasts[forecast_id(case, kind)] = (
                predict(found, learnt[kind], errors, args.settings) if found else unseen(row, sheet, kind)
            )
    write_json(args.calibrator, _summary(learnt, args.settings, errors is not None))
    write_forecasts(args.forecasts, {name: forecasts[name] for name in sorted(forecasts)})


def _errors(
    pairs: Sequence[dict[str, str]], sheet: Mapping[str, SheetRow], settings: CalibrateSettings
) -> AreaErrors | None:
    drawn = [row for row in pairs if row["reference_mm2"] and sheet[row["case"]].split in LEARNT_FROM]
    if settings.forecaster == "step":
        return None
    if len(drawn) < _FEWEST_PAIRS:
        print(f"sigma-hat needs area pairs and found {len(drawn)}: no cohort has contours; the forecast is a step")
        return None
    boxes = np.array([float(row["box_mm2"]) for row in drawn])
    predicted, reference = (
        np.array([float(row[key]) for row in drawn]) / boxes for key in ("cavity_mm2", "reference_mm2")
    )
    return AreaErrors(predicted, reference, settings.window, settings.window_pairs)


def _estimates(kind: str, beats: Mapping[str, dict[str, str]], pairs: Sequence[dict[str, str]]) -> dict[str, Estimate]:
    """Every case that has an estimate, with the slices of the frame that it was read from."""
    frame = "ed_frame" if kind == "EDV" else "es_frame"
    rows: dict[str, list[dict[str, str]]] = {}
    for row in pairs:
        if row["frame"] == beats[row["case"]][frame]:
            rows.setdefault(row["case"], []).append(row)
    volumes = {case: number(beat[f"{kind.lower()}_ml"]) for case, beat in beats.items()}
    return {
        case: Estimate(volume, _slices(rows[case]))
        for case, volume in volumes.items()
        if np.isfinite(volume) and volume > 0
    }


def _slices(rows: Sequence[dict[str, str]]) -> Slices:
    areas, positions = (np.array([float(row[key]) for row in rows]) for key in ("cavity_mm2", "position_mm"))
    return slices_of(areas, positions, float(rows[0]["box_mm2"]))


def _summary(learnt: Mapping[str, Calibrator], settings: CalibrateSettings, spread: bool) -> dict[str, object]:
    return {
        "forecaster": settings.forecaster if spread else "step",
        "volumes": {kind: {"scale": round(c.scale, 6), "beta": c.beta, "cases": c.cases} for kind, c in learnt.items()},
    }
