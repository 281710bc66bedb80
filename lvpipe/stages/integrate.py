"""`integrate`: how many millilitres, in every frame, at end-diastole and at end-systole."""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import add_options, section_of
from lvpipe.beats import AreaTable, read_areas, read_muscle, thickness_of, volume_curve
from lvpipe.boxes import Boxes, read_boxes
from lvpipe.completeness import incomplete_reason
from lvpipe.config.integrate import GivenSource, IntegrateSettings
from lvpipe.config.window import Window
from lvpipe.errors import Rejected
from lvpipe.files import read_json, read_table, write_table
from lvpipe.given import NO_TABLE, Given
from lvpipe.images import is_rejected, passing_on, read_image
from lvpipe.integration.hearts import Heart, measure
from lvpipe.integration.mending import mend
from lvpipe.integration.tables import (
    AREAS,
    BEATS,
    CURVE,
    PAIRS,
    area_rows,
    curve_rows,
    heart_row,
    no_beat,
    pair_rows,
    told_row,
)
from lvpipe.labels import CAVITY, MYOCARDIUM, NOT_ANNOTATED
from lvpipe.reader import EstimateReader
from lvpipe.tables import number
from lvpipe.volumes import Beat
from lvpipe.windows import read_place, window_areas_mm2


def count_areas(mask_tzyx: NDArray[Any], pixel_mm2: float, label: int = CAVITY) -> NDArray[np.float64]:
    """The area of a label in mm2, of every frame and slice."""
    return np.asarray((mask_tzyx == label).sum(axis=(2, 3)) * pixel_mm2)


def reference_areas(reference_tzyx: NDArray[Any], pixel_mm2: float) -> NDArray[np.float64]:
    """The same of a reference; NaN where nobody drew."""
    drawn = (reference_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    return np.where(drawn, count_areas(reference_tzyx, pixel_mm2), np.nan)


def main(argv: Sequence[str]) -> None:
    """`case`: mask to areas and curve. `areas`: the same of areas that a network told.

    `cohort`: all cases' beats, and their areas beside reference areas. `volumes`: the same of volumes that a network
    told. `given`: both for a cohort that brings its estimates, all cases at once.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, (add_own_options, run) in _COMMANDS.items():
        command = commands.add_parser(name)
        add_own_options(command)
        command.set_defaults(run=run)
    args = parser.parse_args(argv)
    args.run(args)


def _add_case_options(case: argparse.ArgumentParser) -> None:
    add_options(case, IntegrateSettings, "mask", "ledger", "areas", "volumes")
    case.add_argument("--case", required=True)
    case.add_argument("--muscle", action="store_true", help="the mask tells muscle from background")


def _add_area_options(areas: argparse.ArgumentParser) -> None:
    add_options(areas, IntegrateSettings, "told", "ledger", "areas", "volumes")
    areas.add_argument("--case", required=True)


def _add_cohort_options(cohort: argparse.ArgumentParser) -> None:
    add_options(cohort, IntegrateSettings, "areas", "ledgers", "boxes", "volumes", "pairs")
    _add_window(cohort)
    cohort.add_argument("--drawn", action="store_true", help="the cohort has references")


def _add_volume_options(volumes: argparse.ArgumentParser) -> None:
    add_options(volumes, None, "told", "ledgers", "boxes", "volumes", "pairs")
    _add_window(volumes)


def _add_window(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cases", nargs="+", required=True)
    command.add_argument("--window", type=section_of(Window), required=True, metavar="JSON", help="what the model sees")


def _add_given_options(given: argparse.ArgumentParser) -> None:
    add_options(given, IntegrateSettings, "areas", "curves", "volumes", "pairs")
    given.add_argument("--source", type=section_of(GivenSource), required=True, metavar="JSON", help="what is read")
    given.add_argument("--cases", nargs="+", required=True)


def _run_case(args: argparse.Namespace) -> None:
    with passing_on(args.areas, args.volumes):
        mask, ledger = read_image(args.mask), read_json(args.ledger)
        x_mm, y_mm, _ = mask.spacing_xyz_mm
        positions = np.asarray(ledger["positions_mm"], float)
        table = AreaTable(count_areas(mask.array_tzyx, x_mm * y_mm), positions, thickness_of(ledger))
        muscle = count_areas(mask.array_tzyx, x_mm * y_mm, MYOCARDIUM) if args.muscle else None
        _write_case(args, table, ledger["times_ms"], muscle)


def _run_areas(args: argparse.Namespace) -> None:
    with passing_on(args.areas, args.volumes):
        _stop_if_rejected(args.told)
        ledger = read_json(args.ledger)
        _write_case(args, read_areas(read_table(args.told), thickness_of(ledger)), ledger["times_ms"])


def _write_case(
    args: argparse.Namespace, table: AreaTable, times_ms: Sequence[float] | None, muscle: NDArray[Any] | None = None
) -> None:
    write_table(args.areas, AREAS, area_rows(args.case, table, muscle))
    mended = mend(table, args.settings.mend).table
    write_table(args.volumes, CURVE, curve_rows(args.case, times_ms, volume_curve(mended, args.settings)))


def _stop_if_rejected(path: Path) -> None:
    if is_rejected(path):
        raise Rejected(f"{path.name} is empty: the case was rejected earlier, its ledger says why")


def _run_cohort(args: argparse.Namespace) -> None:
    beats: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    for case in args.cases:
        file, boxes_file = args.areas / f"{case}_areas.csv", args.boxes / f"{case}_boxes.json"
        if is_rejected(file):
            beats.append(no_beat(case, _no_heart(boxes_file)))
            continue
        ledger = read_json(args.ledgers / f"{case}_cine.json")
        rows = read_table(file)
        heart = measure(read_areas(rows, thickness_of(ledger)), read_muscle(rows), args.settings)
        boxes = read_place(boxes_file, args.window, heart.table.areas_tz_mm2.shape[1])
        beats.append(heart_row(case, heart, _left_out(ledger), doubt=_doubt(boxes)))
        reference = _reference(case, args) if args.drawn else None
        pairs.extend(pair_rows(case, heart, reference, window_areas_mm2(boxes, args.window)))
    write_table(args.volumes, BEATS, beats)
    write_table(args.pairs, PAIRS, pairs)


def _run_volumes(args: argparse.Namespace) -> None:
    """Volumes told at once: no frames were chosen, and no slices measured that could be compared."""
    write_table(args.volumes, BEATS, [_told_row(case, args) for case in args.cases])
    write_table(args.pairs, PAIRS, [])


def _told_row(case: str, args: argparse.Namespace) -> dict[str, object]:
    file, boxes_file = args.told / f"{case}_volumes.csv", args.boxes / f"{case}_boxes.json"
    if is_rejected(file):
        return no_beat(case, _no_heart(boxes_file))
    (told,), ledger = read_table(file), read_json(args.ledgers / f"{case}_cine.json")
    beat = Beat(0, 0, *(number(told[name]) for name in ("edv_ml", "esv_ml", "edv_sd_ml", "esv_sd_ml")))
    frames_slices = ledger["frames"], ledger["slices"]
    doubt = _doubt(read_place(boxes_file, args.window, ledger["slices"]))
    return told_row(case, beat, frames_slices, _left_out(ledger), doubt=doubt)


def _left_out(ledger: Mapping[str, Any]) -> str:
    return "" if ledger["complete"] else str(ledger["incomplete_reason"])


def _doubt(boxes: Boxes) -> str:
    return boxes.reason if boxes.doubtful else ""


def _run_given(args: argparse.Namespace) -> None:
    source: GivenSource = args.source
    reader = cast(EstimateReader, importlib.import_module(f"lvpipe.readers.{source.reader}"))
    found = dict(reader.read_estimates(Path(source.root), source.table, **source.options))
    given = {case: found.get(case.removeprefix(source.prefix), NO_TABLE) for case in args.cases}
    hearts = {
        case: (one.table, measure(one.table, one.myocardium_tz_mm2, args.settings))
        for case, one in given.items()
        if one.table is not None
    }
    drawn = (area_rows(case, table, heart.muscle_tz_mm2) for case, (table, heart) in hearts.items())
    write_table(args.areas, AREAS, chain.from_iterable(drawn))
    curves = (
        curve_rows(case, given[case].times_ms, volume_curve(heart.table, args.settings))
        for case, (_, heart) in hearts.items()
    )
    write_table(args.curves, CURVE, chain.from_iterable(curves))
    measured = {case: heart for case, (_, heart) in hearts.items()}
    write_table(args.volumes, BEATS, [_given_row(case, one, measured.get(case), source) for case, one in given.items()])
    pairs = (pair_rows(case, heart, None, None) for case, heart in measured.items())
    write_table(args.pairs, PAIRS, chain.from_iterable(pairs))
    print(f"{len(measured)} of {len(given)} cases have areas")


def _given_row(case: str, one: Given, heart: Heart | None, source: GivenSource) -> dict[str, object]:
    if heart is None:
        return no_beat(case, one.reason)
    return heart_row(case, heart, incomplete_reason(heart.table.positions_mm, source.complete), one.flags)


def _no_heart(boxes: Path) -> str:
    """Why nothing could be drawn: no heart was found; "" of a case that was rejected before, as its ledger says."""
    if is_rejected(boxes):
        return ""
    try:
        read_boxes(boxes)
    except Rejected as reason:
        return str(reason)
    return ""


def _reference(case: str, args: argparse.Namespace) -> NDArray[np.float64]:
    image = read_image(args.ledgers / f"{case}_reference.nii.gz")
    x_mm, y_mm, _ = image.spacing_xyz_mm
    return reference_areas(image.array_tzyx, x_mm * y_mm)


_COMMANDS = {
    "case": (_add_case_options, _run_case),
    "areas": (_add_area_options, _run_areas),
    "cohort": (_add_cohort_options, _run_cohort),
    "volumes": (_add_volume_options, _run_volumes),
    "given": (_add_given_options, _run_given),
}
