"""crps.csv and cases.csv: forecasts of volumes beside their references, of every model whatever it measures by."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import INCOMPLETE
from lvpipe.forecasting.forecasts import KINDS, forecast_id, step, unseen
from lvpipe.metrics import covers, crps, moments_ml, pearson_r
from lvpipe.tables import SheetRow, number

CRPS: Final = (
    *("model", "cohort", "split", "volume", "cases"),
    *("crps", "mae_ml", "rmse_ml", "bias_ml", "pearson_r", "coverage_90"),
)
EJECTED: Final = ("ef_mean_percent", "ef_sd_percent", "ef_p5_percent", "ef_p95_percent")
"""What cases.csv has of ejection.csv: the forecast of EF and its central 90 %."""

SCORED: Final = (
    *("model", "cohort", "case", "split", "status", "reason"),
    *("edv_reference_ml", "edv_ml", "edv_mean_ml", "edv_sd_ml", "edv_crps"),
    *("esv_reference_ml", "esv_ml", "esv_mean_ml", "esv_sd_ml", "esv_crps"),
    *("sv_ml", "ef_reference_percent", "ef_percent", *EJECTED),
    *("ed_frame", "es_frame", "slices", "fallback", "flags"),
    *("large_error_chance", "outlier"),
)


@dataclass(frozen=True)
class Scored:
    """Forecasts of one volume for some cases, beside their references."""

    kind: str
    rows: tuple[SheetRow, ...]
    forecasts: NDArray[np.float64]

    @property
    def references_ml(self) -> NDArray[np.float64]:
        """The reference volumes, NaN where there are none."""
        return np.array([row.reference_ml(self.kind) for row in self.rows])

    def only(self, chosen: NDArray[np.bool_]) -> "Scored":
        """Some of the cases."""
        rows = tuple(row for row, keep in zip(self.rows, chosen, strict=True) if keep)
        return Scored(self.kind, rows, self.forecasts[chosen])


@dataclass(frozen=True)
class Entry:
    """What one name forecasts of the cases of a cohort and split that have references; `own` where it is a model's."""

    name: str
    cohort: str
    split: str
    parts: tuple[Scored, ...]
    own: bool = False

    def and_also(self, other: "Entry") -> "Entry":
        """The cases of two splits as those of one."""
        pairs = zip(self.parts, other.parts, strict=True)
        parts = (Scored(a.kind, a.rows + b.rows, np.concatenate([a.forecasts, b.forecasts])) for a, b in pairs)
        return Entry(self.name, self.cohort, f"{self.split}+{other.split}", tuple(parts), self.own)


def part_of(kind: str, sheet: Mapping[str, SheetRow], forecasts: Mapping[str, NDArray[Any]]) -> Scored:
    """The forecasts of one volume of all these cases."""
    return Scored(kind, tuple(sheet.values()), np.stack([forecasts[forecast_id(case, kind)] for case in sheet]))


def summarise(entry: Entry) -> Iterator[dict[str, object]]:
    """Rows of crps.csv: each volume, then both together."""
    for part in entry.parts:
        yield _row(entry, part.kind, [part])
    yield _row(entry, "both", entry.parts)


def without_looking(part: Scored, sheet: Mapping[str, SheetRow]) -> Scored:
    """The same cases with the forecast that each would get unseen: what looking is worth."""
    forecasts = [unseen(row, sheet, part.kind) for row in part.rows]
    return Scored(part.kind, part.rows, np.reshape(forecasts, part.forecasts.shape))


def as_steps(part: Scored) -> Scored:
    """The same point, without doubt: what the spread of a forecast is worth."""
    return Scored(part.kind, part.rows, step(moments_ml(part.forecasts)[0]))


def became(row: SheetRow, beat: Mapping[str, str]) -> dict[str, object]:
    """What became of a case: by the sheet, or where that finds no fault by what this model found of it.

    What integrate says of it is never less than the sheet does: it knows the ledger and the boxes.
    """
    flags = beat["flags"].split()
    found = next((flag for flag in ("rejected", INCOMPLETE) if flag in flags), "ok")
    return {"status": row.status if row.status != "ok" else found, "reason": beat["reason"] or row.reason}


def entries(
    model: str, parts: Sequence[Scored], sheet: Mapping[str, SheetRow], known: Collection[tuple[str, str]]
) -> Iterator[Entry]:
    """Every cohort and split that has references: the model, its step, and the climatology where it is not `known`."""
    for cohort, split in dict.fromkeys((row.cohort, row.split) for row in parts[0].rows):
        here = tuple(part.only(_known(part, cohort, split)) for part in parts)
        if not any(part.rows for part in here):
            continue
        yield Entry(model, cohort, split, here, own=True)
        yield Entry(f"step:{model}", cohort, split, tuple(as_steps(part) for part in here))
        if (cohort, split) not in known:
            yield Entry("climatology", cohort, split, tuple(without_looking(part, sheet) for part in here))


def _known(part: Scored, cohort: str, split: str) -> NDArray[np.bool_]:
    there = np.array([row.cohort == cohort and row.split == split for row in part.rows])
    return np.asarray(there & np.isfinite(part.references_ml))


def _row(entry: Entry, volume: str, parts: Sequence[Scored]) -> dict[str, object]:
    references = np.concatenate([part.references_ml for part in parts])
    forecasts = np.concatenate([part.forecasts for part in parts])
    errors = moments_ml(forecasts)[0] - references
    cases = len({row.case for part in parts for row in part.rows})
    figures = (
        float(crps(forecasts, references).mean()),
        float(np.abs(errors).mean()),
        float(np.sqrt((errors**2).mean())),
        float(errors.mean()),
        pearson_r(errors + references, references),
        float(covers(forecasts, references).mean()),
    )
    return dict(zip(CRPS, (entry.name, entry.cohort, entry.split, volume, cases, *figures), strict=True))


def case_rows(
    model: str,
    parts: Sequence[Scored],
    beats: Mapping[str, dict[str, str]],
    fallbacks: Mapping[str, str],
    ejections: Mapping[str, Mapping[str, str]],
) -> Iterator[dict[str, object]]:
    """Rows of cases.csv: a case each, with what became of it; whether it looks odd is told by `outliers`."""
    figures = {part.kind: _figures(part) for part in parts}
    for i, row in enumerate(parts[0].rows):
        beat = beats[row.case]
        mine: dict[str, object] = dict.fromkeys(SCORED)
        mine |= {"model": model, "cohort": row.cohort, "case": row.case, "split": row.split}
        mine |= became(row, beat)
        for kind in KINDS:
            mine |= _kind_cells(kind, row, beat, {name: float(values[i]) for name, values in figures[kind].items()})
        mine |= {name: beat[name] for name in ("sv_ml", "ef_percent", "ed_frame", "es_frame", "slices")}
        mine |= {name: ejections[row.case][name] for name in EJECTED}
        mine["ef_reference_percent"] = 100 * (row.edv_ml - row.esv_ml) / row.edv_ml if row.edv_ml else None
        mine["fallback"] = fallbacks.get(row.case, "")
        outside = {kind: bool(figures[kind]["outside"][i]) for kind in KINDS}
        mine["flags"] = " ".join(_flags(row, beat, bool(mine["fallback"]), outside))
        yield mine


def _figures(part: Scored) -> dict[str, NDArray[Any]]:
    mean, sd = moments_ml(part.forecasts)
    known = np.isfinite(part.references_ml)
    scores = np.where(known, crps(part.forecasts, part.references_ml), np.nan)
    return {"mean": mean, "sd": sd, "crps": scores, "outside": known & ~covers(part.forecasts, part.references_ml)}


def _kind_cells(kind: str, row: SheetRow, beat: Mapping[str, str], figures: Mapping[str, float]) -> dict[str, object]:
    word = kind.lower()
    return {
        f"{word}_reference_ml": row.reference_ml(kind),
        f"{word}_ml": number(beat[f"{word}_ml"]),
        f"{word}_mean_ml": figures["mean"],
        f"{word}_sd_ml": figures["sd"],
        f"{word}_crps": figures["crps"],
    }


def _flags(row: SheetRow, beat: Mapping[str, str], fallback: bool, outside: Mapping[str, bool]) -> list[str]:
    flags = beat["flags"].split()
    if row.status == "rejected" and "rejected" not in flags:
        flags.append("rejected")
    if fallback:
        flags.append("fallback")
    return flags + [f"{kind.lower()}-outside-90" for kind, is_outside in outside.items() if is_outside]
