"""`score`: how good it is, against what experts drew and measured."""

import argparse
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lvpipe.arguments import add_options, json_object
from lvpipe.config.score import ScoreSettings
from lvpipe.files import read_table, write_table
from lvpipe.forecasting.fallbacks import later
from lvpipe.forecasting.forecasts import KINDS, read_forecasts
from lvpipe.images import is_rejected, read_image, read_images
from lvpipe.labels import VALUES
from lvpipe.scoring.areas import AREA_ERRORS, summarise_areas
from lvpipe.scoring.combined import combine_beats, with_means
from lvpipe.scoring.masks import DICE, MASKS, compare_masks
from lvpipe.scoring.outliers import find_outliers, outlier_rows
from lvpipe.scoring.pooled import POOLED, pool
from lvpipe.scoring.summary import SEGMENTATION, summarise_masks
from lvpipe.scoring.tables import ForecastTables
from lvpipe.scoring.volumes import CRPS, SCORED, case_rows, entries, part_of, summarise
from lvpipe.tables import SheetRow, read_cases


def main(argv: Sequence[str]) -> None:
    """`masks`: one case's tables. `boxes`: a view's. `slices`: pictures. `leak`, `windows`: a fold's. `figure`: of its
    windows. `areas`, `volumes`: the run's.
    """
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
    add_options(volumes, ScoreSettings, "cases", "results", "crps", "dice", "segmentation", "scored", "forecasts")
    volumes.add_argument("--models", nargs="+", required=True)
    volumes.add_argument("--combining", type=json_object, default={}, help="by model those that it combines")
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


def _add_area_options(areas: argparse.ArgumentParser) -> None:
    add_options(areas, None, "cases", "results", "out")
    areas.add_argument("--models", nargs="+", required=True, help="that have areas of slices")
    areas.add_argument("--cohorts", nargs="*", required=True, help="with reference masks")


def _add_window_options(windows: argparse.ArgumentParser) -> None:
    add_options(windows, None, "cines", "boxes", "model", "out")
    windows.add_argument("--fold", type=int, required=True)
    windows.add_argument("--cases", nargs="*", required=True, help="drawn cases of patients that it never saw")
    for name in ("window", "settings"):
        windows.add_argument(f"--{name}", required=True, metavar="JSON")


def _add_figure_options(figure: argparse.ArgumentParser) -> None:
    add_options(figure, None, "summary", "picture")
    figure.add_argument("--windows", type=Path, nargs="+", required=True, help="a table of each fold")
    figure.add_argument("--model", required=True)


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


def _run_areas(args: argparse.Namespace) -> None:
    sheet = read_cases(args.cases)
    rows: list[dict[str, object]] = []
    for model in args.models:
        files = (args.results / "integrate" / model / f"{cohort}_pairs.csv" for cohort in args.cohorts)
        rows.extend(summarise_areas(model, [row for file in files for row in read_table(file)], sheet))
    write_table(args.out, AREA_ERRORS, rows)


def _run_windows(args: argparse.Namespace) -> None:
    """By name, since it needs torch."""
    importlib.import_module("lvpipe.learning.area_table").write_areas(args)


def _run_figure(args: argparse.Namespace) -> None:
    """By name: a picture in another colour measures nothing again."""
    pictures = importlib.import_module("lvpipe.scoring.two_areas")
    pictures.write_two_areas(args.windows, args.summary, args.picture, args.model)


def _run_volumes(args: argparse.Namespace) -> None:
    sheet = read_cases(args.cases)
    summary: list[dict[str, object]] = []
    scored: list[dict[str, object]] = []
    known: set[tuple[str, str]] = set()
    tables = ForecastTables()
    for model in args.models:
        members = [_beats(args.results / "integrate" / one, sheet) for one in args.combining.get(model, [model])]
        beats = combine_beats(members) if model in args.combining else members[0]
        mine = {case: row for case, row in sheet.items() if case in beats}
        folder = args.results / "calibrate" / model
        forecasts, fallbacks = read_forecasts(folder / "forecasts.csv"), _fallbacks(folder / "fallbacks.csv")
        parts = [part_of(kind, mine, forecasts) for kind in KINDS]
        beats = with_means(beats, parts) if model in args.combining else beats
        found = list(entries(model, parts, sheet, known))
        known |= {(entry.cohort, entry.split) for entry in found}
        summary.extend(row for entry in found for row in summarise(entry))
        ejections = {row["case"]: row for row in read_table(folder / "ejection.csv")}
        odd = find_outliers(parts, fallbacks)
        rows = zip(case_rows(model, parts, beats, fallbacks, ejections), odd.cells(), strict=True)
        scored.extend(row | cells for row, cells in rows)
        tables.rows["outliers"] += outlier_rows(model, odd)
        tables.add(found, beats, ejections)
    write_table(args.crps, CRPS, summary)
    write_table(args.scored, SCORED, scored)
    tables.write(args.forecasts)
    for remark in tables.remarks():
        print(remark)
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
    "areas": (_add_area_options, _run_areas),
    "windows": (_add_window_options, _run_windows),
    "figure": (_add_figure_options, _run_figure),
    "volumes": (_add_volume_options, _run_volumes),
}
