"""`calibrate`: how sure we are; a forecast of EDV and ESV for every case, learnt on out-of-fold estimates alone."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import stage_parser
from lvpipe.beats import INCOMPLETE
from lvpipe.cases import LEARNT_FROM
from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.files import read_table, write_json, write_table
from lvpipe.forecasting.ejection import EJECTION, ejection_rows
from lvpipe.forecasting.fallbacks import Fallback, Peers, Slab, fall_back, slab_of
from lvpipe.forecasting.forecasters import Estimate, Forecaster, Linear, Scaled, fit
from lvpipe.forecasting.forecasts import KINDS, AreaErrors, Slices, forecast_id, slices_of, write_forecasts
from lvpipe.forecasting.lines import fit_known, lines_by_fold
from lvpipe.forecasting.spreads import fit_spread
from lvpipe.tables import SheetRow, number, of_split, read_cases

FALLBACKS = ("case", "volume", "fallback", "learnt_from")

_FEWEST_PAIRS = 5
"""Fewer area pairs than this say nothing about a spread: sigma-hat is left out."""


@dataclass(frozen=True)
class Run:
    """What is read: the sheet of all cases, and of those that this model measures volumes and slices."""

    sheet: Mapping[str, SheetRow]
    beats: Mapping[str, dict[str, str]]
    pairs: Sequence[dict[str, str]]
    settings: CalibrateSettings

    @property
    def learnt(self) -> list[SheetRow]:
        """Who may be learnt from; a patient who is a test case in any cohort may not."""
        tested = {row.patient for row in self.sheet.values() if row.split == "test"}
        return [row for row in of_split(self.sheet.values(), *LEARNT_FROM) if row.patient not in tested]


@dataclass(frozen=True)
class Part:
    """What comes of one of the two volumes."""

    forecaster: Forecaster
    forecasts: Mapping[str, NDArray[np.float64]]
    fallbacks: Mapping[str, Fallback]
    estimates_ml: Mapping[str, float]


def main(argv: Sequence[str]) -> None:
    """Read volumes and area pairs of all cohorts, write the calibrator and every case's forecasts."""
    parser = stage_parser(__doc__, CalibrateSettings, "cases", "calibrator", "forecasts", "fallbacks", "ejection")
    parser.add_argument("--members", nargs="*", default=[], help="models that are combined, each with as many tables")
    parser.add_argument("--volumes", type=Path, nargs="+", required=True, help="the cohorts' volume tables")
    parser.add_argument("--pairs", type=Path, nargs="+", required=True, help="the cohorts' area tables")
    args = parser.parse_args(argv)
    run = _read(args)
    name, errors = _forecaster_name(run)
    parts = {kind: _calibrate(kind, run, name, errors) for kind in KINDS}
    forecasts = {name: forecast for part in parts.values() for name, forecast in part.forecasts.items()}
    volumes = {kind: part.forecaster.summary() for kind, part in parts.items()}
    write_json(args.calibrator, {"forecaster": name, "volumes": volumes})
    write_forecasts(args.forecasts, {name: forecasts[name] for name in sorted(forecasts)})
    rows = [_fallback_row(case, kind, found) for kind, part in parts.items() for case, found in part.fallbacks.items()]
    write_table(args.fallbacks, FALLBACKS, rows)
    measured = [row for row in run.sheet.values() if row.case in run.beats]
    estimates = {kind: part.estimates_ml for kind, part in parts.items()}
    write_table(args.ejection, EJECTION, ejection_rows(measured, forecasts, estimates, run.learnt))
    if rows:
        print(f"{len({row['case'] for row in rows})} cases are forecast by what is left of them")


def _read(args: argparse.Namespace) -> Run:
    sheet, tables = read_cases(args.cases), [read_table(path) for path in args.volumes]
    if args.members:
        return Run(sheet, _means(tables, len(args.members)), [], args.settings)
    beats = {row["case"]: row for table in tables for row in table}
    return Run(sheet, beats, [row for path in args.pairs for row in read_table(path)], args.settings)


def _means(tables: Sequence[Sequence[dict[str, str]]], members: int) -> dict[str, dict[str, str]]:
    """Of several models the mean of what they measure of each case."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in (row for table in tables for row in table):
        found.setdefault(row["case"], []).append(row)
    return {case: _mean(rows) for case, rows in found.items() if len(rows) == members}


def _mean(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    measured = [row for row in rows if row["edv_ml"] and row["esv_ml"] and not _is_incomplete(row)] or rows[:1]
    means = {name: float(np.mean([number(row[name]) for row in measured])) for name in ("edv_ml", "esv_ml")}
    return measured[0] | {name: str(mean) if np.isfinite(mean) else "" for name, mean in means.items()}


def _calibrate(kind: str, run: Run, name: str, errors: AreaErrors | None) -> Part:
    slices = _slices_of_beat(kind, run)
    estimates = _estimates(kind, run.beats, slices)
    forecaster = _forecaster(kind, run, name, estimates, errors)
    measured = {case: row for case, row in run.sheet.items() if case in run.beats}
    slabs = {case: _slab(rows) for case, rows in slices.items()}
    complete = {case: slab for case, slab in slabs.items() if not _is_incomplete(run.beats[case])}
    peers = Peers(kind, run.learnt, complete)
    fallbacks = {
        case: fall_back(row, slabs.get(case), peers) for case, row in measured.items() if case not in estimates
    }
    forecasts = {
        forecast_id(case, kind): fallbacks[case].forecast
        if case in fallbacks
        else forecaster.forecast(row, estimates[case])
        for case, row in measured.items()
    }
    return Part(forecaster, forecasts, fallbacks, {case: estimate.volume_ml for case, estimate in estimates.items()})


def _forecaster(
    kind: str, run: Run, name: str, estimates: Mapping[str, Estimate], errors: AreaErrors | None
) -> Forecaster:
    if name == "spread":
        return fit_spread(kind, run.learnt, estimates, run.settings)
    if name != "linear":
        references = {row.case: row.reference_ml(kind) for row in run.learnt}
        return Scaled(fit(estimates, references, errors, run.settings), errors, run.settings)
    raw = {case: estimate.volume_ml for case, estimate in estimates.items()}
    lines = lines_by_fold(run.learnt, lambda rows: fit_known(raw, {row.case: row.reference_ml(kind) for row in rows}))
    return Linear(lines, run.settings.sigma_floor_ml)


def _forecaster_name(run: Run) -> tuple[str, AreaErrors | None]:
    """The forecaster that can be had, and the area errors that it needs."""
    wanted = run.settings.forecaster
    if wanted in ("linear", "step"):
        return wanted, None
    if wanted != "sigma_hat" and _tells_spreads(run.beats.values()):
        return "spread", None
    if wanted == "spread":
        print("spread needs one for each volume, which this model does not tell; the forecast is another")
    errors = _errors(run)
    return ("linear" if errors is None else "sigma_hat"), errors


def _tells_spreads(beats: Iterable[Mapping[str, str]]) -> bool:
    """Whether every volume has one, and there is any."""
    told = [beat[f"{word}_sd_ml"] for beat in beats for word in ("edv", "esv") if beat[f"{word}_ml"]]
    return bool(told) and all(told)


def _errors(run: Run) -> AreaErrors | None:
    learnt = {row.case for row in run.learnt}
    drawn = [row for row in run.pairs if row["reference_mm2"] and row["case"] in learnt]
    if len(drawn) < _FEWEST_PAIRS:
        print(f"sigma-hat needs area pairs and found {len(drawn)}: no cohort has contours; the forecast is linear")
        return None
    boxes = np.array([float(row["box_mm2"]) for row in drawn])
    predicted, reference = (
        np.array([float(row[key]) for row in drawn]) / boxes for key in ("cavity_mm2", "reference_mm2")
    )
    return AreaErrors(predicted, reference, run.settings.window, run.settings.window_pairs)


def _slices_of_beat(kind: str, run: Run) -> dict[str, list[dict[str, str]]]:
    """The slices of the frame that a volume was read from, of every case that has any."""
    frame = "ed_frame" if kind == "EDV" else "es_frame"
    slices: dict[str, list[dict[str, str]]] = {}
    for row in run.pairs:
        if row["frame"] == run.beats[row["case"]][frame]:
            slices.setdefault(row["case"], []).append(row)
    return slices


def _estimates(
    kind: str, beats: Mapping[str, dict[str, str]], slices: Mapping[str, Sequence[dict[str, str]]]
) -> dict[str, Estimate]:
    """Every case that was measured, with its slices if it has any; not one whose stack is too incomplete."""
    word = kind.lower()
    return {
        case: Estimate(volume, _slices(slices.get(case, ())), number(beat[f"{word}_sd_ml"]))
        for case, beat in beats.items()
        if not _is_incomplete(beat) and np.isfinite(volume := number(beat[f"{word}_ml"])) and volume > 0
    }


def _is_incomplete(beat: Mapping[str, str]) -> bool:
    return INCOMPLETE in beat["flags"].split()


def _slices(rows: Sequence[dict[str, str]]) -> Slices | None:
    if not rows or not rows[0]["box_mm2"]:
        return None
    return slices_of(*_columns(rows), np.array([float(row["box_mm2"]) for row in rows]))


def _slab(rows: Sequence[dict[str, str]]) -> Slab:
    return slab_of(*_columns(rows))


def _columns(rows: Sequence[dict[str, str]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas and positions."""
    areas, positions = (np.array([float(row[key]) for row in rows]) for key in ("cavity_mm2", "position_mm"))
    return areas, positions


def _fallback_row(case: str, kind: str, found: Fallback) -> dict[str, object]:
    return dict(zip(FALLBACKS, (case, kind, found.name, found.learnt_from), strict=True))
