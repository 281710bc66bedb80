"""`calibrate`: how sure we are; a forecast of EDV and ESV for every case, learnt on out-of-fold estimates alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import stage_parser
from lvpipe.config.calibrate import CalibrateSettings
from lvpipe.errors import UserError
from lvpipe.files import read_table, write_json, write_table
from lvpipe.forecasting.ejection import EJECTION, Misses, Nested, ejection_rows, misses_ml
from lvpipe.forecasting.fallbacks import Fallback, Peers, Slab, fall_back
from lvpipe.forecasting.forecasters import Estimate, Forecaster, Linear, Scaled, fit
from lvpipe.forecasting.forecasts import KINDS, AreaErrors, forecast_id, write_forecasts
from lvpipe.forecasting.lines import fit_known
from lvpipe.forecasting.panels import Panel, leaders, too_few, without_each
from lvpipe.forecasting.readings import Readings, gather
from lvpipe.forecasting.spreads import fit_spread
from lvpipe.tables import SheetRow, learnable, read_cases

FALLBACKS = ("case", "volume", "fallback", "learnt_from")

_FEWEST_PAIRS = 5
"""Fewer area pairs than this say nothing about a spread: sigma-hat is left out."""

_OF_ONE = ("sigma_hat", "spread")
"""Forecasters that live on what one model says of its own doubt."""


@dataclass(frozen=True)
class Run:
    """What is read: the sheet of all cases, and what each model measured; several are combined."""

    sheet: Mapping[str, SheetRow]
    panel: Panel
    settings: CalibrateSettings

    @property
    def models(self) -> list[Readings]:
        """By model, in the order in which they were named."""
        return list(self.panel.readings.values())

    @cached_property
    def measured(self) -> list[SheetRow]:
        """The cases of all cohorts that are measured, in the order of the sheet."""
        return [row for case, row in self.sheet.items() if any(case in readings for readings in self.models)]

    @cached_property
    def learnt(self) -> list[SheetRow]:
        """Who may be learnt from; a patient who is a test case in any cohort may not."""
        return learnable(self.sheet.values())

    @cached_property
    def why_no_mixture(self) -> str:
        """What is missing for one; "" where it can be learnt."""
        return too_few(self.panel, self.learnt)

    @cached_property
    def leading(self) -> Mapping[str, tuple[str, ...]]:
        """By fold the models that lead; nobody where too few references tell."""
        return {"all": ()} if self.why_no_mixture else leaders(self.panel, self.learnt)

    def estimates(self, kind: str) -> dict[str, Estimate]:
        """One model's, or the mean of several; not one of a stack that is too incomplete."""
        leading = {row: self.leading.get(row.held_out, self.leading["all"]) for row in self.measured}
        volumes = {row.case: self.panel.volume_ml(row.case, kind, names) for row, names in leading.items()}
        known = {case: Estimate(volume) for case, volume in volumes.items() if np.isfinite(volume)}
        return {case: self.models[0][case].estimate(kind) for case in known} if len(self.models) == 1 else known

    def outside_ml(self, kind: str) -> dict[str, dict[str, float]]:
        """By fold (`all`: none) the estimates of those outside it, by the models that lead without it."""
        found = {
            fold: {
                row.case: self.panel.volume_ml(row.case, kind, self.leading.get(fold, self.leading["all"]))
                for row in rows
            }
            for fold, rows in without_each(self.learnt).items()
        }
        return {fold: {case: ml for case, ml in one.items() if np.isfinite(ml)} for fold, one in found.items()}

    def references_ml(self, kind: str) -> dict[str, float]:
        """Of all who may be learnt from; NaN where there is none."""
        return {row.case: row.reference_ml(kind) for row in self.learnt}

    def slab(self, case: str, kind: str) -> Slab | None:
        """The slices of the first model that has any."""
        slabs = (readings[case].slab(kind) for readings in self.models if case in readings)
        return next((slab for slab in slabs if slab is not None), None)

    def incomplete(self, case: str) -> bool:
        """Whether every model found it so."""
        return all(readings[case].incomplete for readings in self.models if case in readings)


@dataclass(frozen=True)
class Part:
    """What comes of one of the two volumes."""

    forecaster: Forecaster
    forecasts: Mapping[str, NDArray[np.float64]]
    fallbacks: Mapping[str, Fallback]
    misses: Misses


def main(argv: Sequence[str]) -> None:
    """Read volumes and area pairs of all cohorts, write the calibrator and every case's forecasts."""
    parser = stage_parser(__doc__, CalibrateSettings, "cases", "calibrator", "forecasts", "fallbacks", "ejection")
    parser.add_argument("--members", nargs="*", default=[], help="models to combine: the folders of the tables")
    parser.add_argument("--volumes", type=Path, nargs="+", required=True, help="the cohorts' volume tables")
    parser.add_argument("--pairs", type=Path, nargs="+", required=True, help="the cohorts' area tables")
    args = parser.parse_args(argv)
    run = Run(read_cases(args.cases), _panel(args.members, args.volumes, args.pairs), args.settings)
    name, errors = _forecaster_name(run)
    parts = {kind: _calibrate(kind, run, name, errors) for kind in KINDS}
    forecasts = {name: forecast for part in parts.values() for name, forecast in part.forecasts.items()}
    volumes = {kind: part.forecaster.summary() for kind, part in parts.items()}
    write_json(args.calibrator, {"forecaster": name, "volumes": volumes})
    write_forecasts(args.forecasts, {name: forecasts[name] for name in sorted(forecasts)})
    rows = [_fallback_row(case, kind, found) for kind, part in parts.items() for case, found in part.fallbacks.items()]
    write_table(args.fallbacks, FALLBACKS, rows)
    misses = {kind: part.misses for kind, part in parts.items()}
    seen = {row.case for row in run.measured}.difference(*(part.fallbacks for part in parts.values()))
    write_table(args.ejection, EJECTION, ejection_rows(run.measured, forecasts, misses, seen, run.learnt))
    if rows:
        print(f"{len({row['case'] for row in rows})} cases are forecast by what is left of them")


def _panel(members: Sequence[str], volumes: Sequence[Path], pairs: Sequence[Path]) -> Panel:
    """The tables of one model, or of members by the folders that they lie in.

    Raises:
        UserError: a table of nobody's, or a member without tables.
    """
    folders = {path.parent.name for path in (*volumes, *pairs)}
    if members and folders != set(members):
        there, wanted = ", ".join(sorted(folders)), ", ".join(sorted(members))
        raise UserError(f"--volumes, --pairs: tables of {there}; expected those of the members {wanted}")
    found = {}
    for member in members or [""]:
        beats, slices = (
            [path for path in paths if not members or path.parent.name == member] for paths in (volumes, pairs)
        )
        found[member] = gather(_rows(beats), _rows(slices))
    return Panel(found)


def _rows(paths: Iterable[Path]) -> list[dict[str, str]]:
    return [row for path in paths for row in read_table(path)]


def _calibrate(kind: str, run: Run, name: str, errors: AreaErrors | None) -> Part:
    estimates = run.estimates(kind)
    forecaster = _forecaster(kind, run, name, estimates, errors)
    left = [row for row in run.measured if row.case not in estimates]
    fallbacks = dict(zip((row.case for row in left), _fall_back(kind, run, left), strict=True))
    usable = {row: estimates[row.case] for row in run.measured if row.case in estimates}
    forecasts = {forecast_id(case, kind): found.forecast for case, found in fallbacks.items()}
    ids = (forecast_id(row.case, kind) for row in usable)
    forecasts |= dict(zip(ids, forecaster.forecast(usable), strict=True))
    return Part(forecaster, forecasts, fallbacks, _misses(kind, run, forecaster))


def _misses(kind: str, run: Run, forecaster: Forecaster) -> Misses:
    """Of forecasts where these were made without each fold, else of the estimates."""
    if isinstance(forecaster, Nested):
        return forecaster.misses
    references = run.references_ml(kind)
    return {fold: misses_ml(estimates, references) for fold, estimates in run.outside_ml(kind).items()}


def _fall_back(kind: str, run: Run, rows: Sequence[SheetRow]) -> list[Fallback]:
    """For each of these, by what is left of it and complete hearts."""
    slabs = {row.case: slab for row in run.measured if (slab := run.slab(row.case, kind)) is not None}
    complete = {case: slab for case, slab in slabs.items() if not run.incomplete(case)}
    peers = Peers(kind, run.learnt, complete)
    return [fall_back(row, slabs.get(row.case), peers) for row in rows]


def _forecaster(
    kind: str, run: Run, name: str, estimates: Mapping[str, Estimate], errors: AreaErrors | None
) -> Forecaster:
    if name == "mixture":
        from lvpipe.forecasting.learned import fit_learned  # an optimiser, which other forecasters need not load

        return fit_learned(kind, run.panel, run.learnt, run.leading)
    if name == "spread":
        return fit_spread(kind, run.learnt, estimates, run.settings)
    if name != "linear":
        return Scaled(fit(estimates, run.references_ml(kind), errors, run.settings), errors, run.settings)
    lines = {fold: fit_known(outside, run.references_ml(kind)) for fold, outside in run.outside_ml(kind).items()}
    return Linear(lines, run.settings.sigma_floor_ml)


def _forecaster_name(run: Run) -> tuple[str, AreaErrors | None]:
    """The forecaster that can be had, and the area errors that it needs."""
    wanted = run.settings.forecaster
    combined = len(run.models) > 1
    if combined and wanted in _OF_ONE:
        print(f"{wanted} is one model's own, and several are combined: the forecast is a mixture")
    if wanted == "mixture" or (combined and wanted not in ("linear", "step")):
        if run.why_no_mixture:
            print(f"{run.why_no_mixture}: the forecast is linear")
        return "linear" if run.why_no_mixture else "mixture", None
    return _own_name(run)


def _own_name(run: Run) -> tuple[str, AreaErrors | None]:
    """Of one model."""
    wanted = run.settings.forecaster
    if wanted in ("linear", "step"):
        return wanted, None
    if wanted != "sigma_hat" and _tells_spreads(run.models[0]):
        return "spread", None
    if wanted == "spread":
        print("spread needs one for each volume, which this model does not tell; the forecast is another")
    errors = _errors(run)
    return ("linear" if errors is None else "sigma_hat"), errors


def _tells_spreads(readings: Readings) -> bool:
    """Whether every volume has one, and there is any."""
    beats = (reading.beat for reading in readings.values())
    told = [beat[f"{word}_sd_ml"] for beat in beats for word in ("edv", "esv") if beat[f"{word}_ml"]]
    return bool(told) and all(told)


def _errors(run: Run) -> AreaErrors | None:
    learnt = {row.case for row in run.learnt}
    readings = run.models[0]
    drawn = [row for case, one in readings.items() if case in learnt for row in one.pairs if row["reference_mm2"]]
    if len(drawn) < _FEWEST_PAIRS:
        print(f"sigma-hat needs area pairs and found {len(drawn)}: no cohort has contours; the forecast is linear")
        return None
    boxes = np.array([float(row["box_mm2"]) for row in drawn])
    predicted, reference = (
        np.array([float(row[key]) for row in drawn]) / boxes for key in ("cavity_mm2", "reference_mm2")
    )
    return AreaErrors(predicted, reference, run.settings.window, run.settings.window_pairs)


def _fallback_row(case: str, kind: str, found: Fallback) -> dict[str, object]:
    return dict(zip(FALLBACKS, (case, kind, found.name, found.learnt_from), strict=True))
