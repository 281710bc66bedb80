"""`score`: how good it is, against what experts drew and measured."""

import argparse
import importlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import add_options
from lvpipe.beats import INCOMPLETE
from lvpipe.config.score import ScoreSettings
from lvpipe.files import read_table, write_table
from lvpipe.forecasting.fallbacks import later
from lvpipe.forecasting.forecasts import KINDS, forecast_id, read_forecasts, step, unseen
from lvpipe.images import is_rejected, read_image, read_images
from lvpipe.labels import VALUES
from lvpipe.metrics import covers, crps, moments_ml, pearson_r
from lvpipe.scoring.masks import DICE, MASKS, compare_masks
from lvpipe.scoring.pooled import POOLED, pool
from lvpipe.scoring.summary import SEGMENTATION, summarise_masks
from lvpipe.tables import SheetRow, number, read_cases

CRPS = (
    "model",
    "cohort",
    "split",
    "volume",
    "cases",
    "crps",
    "mae_ml",
    "rmse_ml",
    "bias_ml",
    "pearson_r",
    "coverage_90",
)
SCORED = (
    *("model", "cohort", "case", "split", "status", "reason"),
    *("edv_reference_ml", "edv_ml", "edv_mean_ml", "edv_sd_ml", "edv_crps"),
    *("esv_reference_ml", "esv_ml", "esv_mean_ml", "esv_sd_ml", "esv_crps"),
    *("sv_ml", "ef_reference_percent", "ef_percent", "ed_frame", "es_frame", "slices", "fallback", "flags"),
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


def summarise(name: str, cohort: str, split: str, parts: Sequence[Scored]) -> Iterator[dict[str, object]]:
    """Rows of crps.csv: each volume, then both together."""
    for part in parts:
        yield _row(name, cohort, split, part.kind, [part])
    yield _row(name, cohort, split, "both", parts)


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


def main(argv: Sequence[str]) -> None:
    """`masks`: one case's tables. `boxes`: a view's. `slices`: pictures. `leak`: a fold's. `volumes`: the run's."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, (add_own_options, run) in _COMMANDS.items():
        command = commands.add_parser(name)
        add_own_options(command)
        command.set_defaults(run=run)
    args = parser.parse_args(argv)
    args.run(args)


def _add_mask_options(masks: argparse.ArgumentParser) -> None:
    add_options(masks, ScoreSettings, "mask", "prob", "reference", "out", "pooled")
    masks.add_argument("--labels", nargs="+", choices=VALUES, required=True, help="whose probabilities, in order")


def _add_box_options(boxes: argparse.ArgumentParser) -> None:
    add_options(boxes, None, "cases", "boxes", "references", "out", "summary")
    boxes.add_argument("--margin", type=float, required=True, help="that of the reference squares")
    boxes.add_argument("--drawn", nargs="*", required=True, help="cases with reference masks")


def _add_slice_options(slices: argparse.ArgumentParser) -> None:
    add_options(slices, None, "results", "out")
    slices.add_argument("--model", required=True)
    slices.add_argument("--drawn", nargs="+", required=True, help="cases with reference masks")


def _add_volume_options(volumes: argparse.ArgumentParser) -> None:
    add_options(volumes, ScoreSettings, "cases", "results", "crps", "dice", "segmentation", "scored")
    volumes.add_argument("--models", nargs="+", required=True)
    volumes.add_argument("--drawing", nargs="*", required=True, help="models whose masks are compared")
    volumes.add_argument("--drawn", nargs="*", required=True, help="cases with reference masks")


def _add_leak_options(leak: argparse.ArgumentParser) -> None:
    add_options(leak, None, "cases", "cines", "boxes", "model", "out")
    leak.add_argument("--name", required=True, help="of the model")
    leak.add_argument("--fold", type=int, required=True)
    leak.add_argument("--cohorts", nargs="+", required=True, help="whose masks it learns from")
    leak.add_argument("--labels", nargs="+", required=True, help="what its outputs stand for")
    for name in ("window", "segment", "settings"):
        leak.add_argument(f"--{name}", required=True, metavar="JSON")
    leak.add_argument("--learn", nargs="+", required=True, help="cases that it was given to learn from")
    leak.add_argument("--watch", nargs="+", required=True, help="cases that it was given to watch")
    leak.add_argument("--others", nargs="*", default=[], help="cases of patients that it never saw")


def _run_masks(args: argparse.Namespace) -> None:
    rows: list[dict[str, object]] = []
    sums: list[dict[str, object]] = []
    if not any(map(is_rejected, (args.mask, args.prob, args.reference))):
        reference = read_image(args.reference)
        rows = list(compare_masks(read_image(args.mask), reference, args.labels, hausdorff=args.settings.hausdorff))
        probs = {label: image.array_tzyx for label, image in zip(args.labels, read_images(args.prob), strict=True)}
        sums = pool(probs, reference.array_tzyx)
    write_table(args.out, MASKS, rows)
    write_table(args.pooled, POOLED, sums)


def _run_boxes(args: argparse.Namespace) -> None:
    """By name: the code of the other commands' rules lacks what boxes alone need."""
    judging = importlib.import_module("lvpipe.detection.judging")
    folders, outputs = (args.boxes, args.references), (args.out, args.summary)
    judging.write_judgement(args.cases, args.drawn, folders, args.margin, outputs)


def _run_slices(args: argparse.Namespace) -> None:
    """By name too: a picture in another colour measures nothing again."""
    gallery = importlib.import_module("lvpipe.scoring.gallery")
    gallery.write_gallery(args.model, args.drawn, args.results, args.out)


def _run_leak(args: argparse.Namespace) -> None:
    """By name: it alone needs torch, and its sections are no settings of the other commands."""
    importlib.import_module("lvpipe.learning.leak_table").write_leak(args)


def _run_volumes(args: argparse.Namespace) -> None:
    sheet = read_cases(args.cases)
    summary: list[dict[str, object]] = []
    scored: list[dict[str, object]] = []
    for model in args.models:
        beats = _beats(args.results / "integrate" / model, sheet)
        mine = {case: row for case, row in sheet.items() if case in beats}
        folder = args.results / "calibrate" / model
        forecasts, fallbacks = read_forecasts(folder / "forecasts.csv"), _fallbacks(folder / "fallbacks.csv")
        parts = [_part(kind, mine, forecasts) for kind in KINDS]
        known = {(row["cohort"], row["split"]) for row in summary}
        summary.extend(_summary_rows(model, parts, sheet, known))
        scored.extend(_case_rows(model, parts, beats, fallbacks))
    write_table(args.crps, CRPS, summary)
    write_table(args.scored, SCORED, scored)
    _write_masks(args, sheet)


def _write_masks(args: argparse.Namespace, sheet: Mapping[str, SheetRow]) -> None:
    folder: Path = args.results / "score"
    write_table(args.dice, DICE, _dice_rows(folder, args.drawing, [sheet[case] for case in args.drawn]))
    pairs = [(model, case) for model in args.drawing for case in args.drawn]
    pooled = {(model, case): read_table(folder / model / f"{case}_pooled.csv") for model, case in pairs}
    write_table(args.segmentation, SEGMENTATION, summarise_masks(read_table(args.dice), pooled, sheet))


def _beats(folder: Path, sheet: Mapping[str, SheetRow]) -> dict[str, dict[str, str]]:
    """The volumes of the cohorts that a model measures."""
    cohorts = dict.fromkeys(row.cohort for row in sheet.values())
    files = (folder / f"{cohort}_volumes.csv" for cohort in cohorts)
    return {row["case"]: row for file in files if file.exists() for row in read_table(file)}


def _fallbacks(path: Path) -> dict[str, str]:
    """By case the fallback that stands for it, the later where its two volumes have different ones."""
    names: dict[str, list[str]] = {}
    for row in read_table(path):
        names.setdefault(row["case"], []).append(row["fallback"])
    return {case: later(found) for case, found in names.items()}


def _part(kind: str, sheet: Mapping[str, SheetRow], forecasts: Mapping[str, NDArray[Any]]) -> Scored:
    return Scored(kind, tuple(sheet.values()), np.stack([forecasts[forecast_id(case, kind)] for case in sheet]))


def _summary_rows(
    model: str, parts: Sequence[Scored], sheet: Mapping[str, SheetRow], known: Collection[tuple[object, object]]
) -> Iterator[dict[str, object]]:
    """Every cohort and split that has references: the model, its step, and the climatology where it is not `known`."""
    for cohort, split in dict.fromkeys((row.cohort, row.split) for row in parts[0].rows):
        here = [part.only(_known(part, cohort, split)) for part in parts]
        if not any(part.rows for part in here):
            continue
        yield from summarise(model, cohort, split, here)
        yield from summarise(f"step:{model}", cohort, split, [as_steps(part) for part in here])
        if (cohort, split) not in known:
            yield from summarise("climatology", cohort, split, [without_looking(part, sheet) for part in here])


def _known(part: Scored, cohort: str, split: str) -> NDArray[np.bool_]:
    there = np.array([row.cohort == cohort and row.split == split for row in part.rows])
    return np.asarray(there & np.isfinite(part.references_ml))


def _row(name: str, cohort: str, split: str, volume: str, parts: Sequence[Scored]) -> dict[str, object]:
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
    return dict(zip(CRPS, (name, cohort, split, volume, cases, *figures), strict=True))


def _case_rows(
    model: str, parts: Sequence[Scored], beats: Mapping[str, dict[str, str]], fallbacks: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    figures = {part.kind: _figures(part) for part in parts}
    for i, row in enumerate(parts[0].rows):
        beat = beats[row.case]
        mine: dict[str, object] = dict.fromkeys(SCORED)
        mine |= {"model": model, "cohort": row.cohort, "case": row.case, "split": row.split}
        mine |= became(row, beat)
        for kind in KINDS:
            mine |= _kind_cells(kind, row, beat, {name: float(values[i]) for name, values in figures[kind].items()})
        mine |= {name: beat[name] for name in ("sv_ml", "ef_percent", "ed_frame", "es_frame", "slices")}
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


def _dice_rows(folder: Path, models: Sequence[str], drawn: Sequence[SheetRow]) -> Iterator[dict[str, object]]:
    for model in models:
        for row in drawn:
            who = {"model": model, "cohort": row.cohort, "split": row.split, "case": row.case}
            for values in read_table(folder / model / f"{row.case}_dice.csv"):
                yield {**who, **values}


_COMMANDS = {
    "masks": (_add_mask_options, _run_masks),
    "boxes": (_add_box_options, _run_boxes),
    "slices": (_add_slice_options, _run_slices),
    "leak": (_add_leak_options, _run_leak),
    "volumes": (_add_volume_options, _run_volumes),
}
