"""`integrate`: how many millilitres, in every frame, at end-diastole and at end-systole."""

import argparse
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import add_options, section_of
from lvpipe.beats import (
    HEART_DOUBTFUL,
    INCOMPLETE,
    AreaTable,
    flags_of,
    measure_beat,
    muscle_mass_g,
    read_areas,
    read_muscle,
    thickness_of,
    volume_curve,
)
from lvpipe.boxes import read_boxes
from lvpipe.completeness import incomplete_reason
from lvpipe.config.convert import Completeness
from lvpipe.config.integrate import GivenSource, IntegrateSettings
from lvpipe.config.window import Window
from lvpipe.errors import Rejected
from lvpipe.files import read_json, read_table, write_table
from lvpipe.given import NO_TABLE, Given
from lvpipe.images import is_rejected, passing_on, read_image
from lvpipe.labels import CAVITY, MYOCARDIUM, NOT_ANNOTATED
from lvpipe.reader import EstimateReader
from lvpipe.volumes import Beat
from lvpipe.windows import read_place, window_areas_mm2

AREAS = ("case", "frame", "slice", "position_mm", "cavity_mm2", "myocardium_mm2")
CURVE = ("case", "frame", "time_ms", "cavity_ml")
BEATS = (
    *("case", "edv_ml", "esv_ml", "sv_ml", "ef_percent", "mass_g"),
    *("ed_frame", "es_frame", "frames", "slices", "flags", "reason"),
)
PAIRS = ("case", "frame", "slice", "position_mm", "cavity_mm2", "box_mm2", "reference_mm2")


def count_areas(mask_tzyx: NDArray[Any], pixel_mm2: float, label: int = CAVITY) -> NDArray[np.float64]:
    """The area of a label in mm2, of every frame and slice."""
    return np.asarray((mask_tzyx == label).sum(axis=(2, 3)) * pixel_mm2)


def reference_areas(reference_tzyx: NDArray[Any], pixel_mm2: float) -> NDArray[np.float64]:
    """The same of a reference; NaN where nobody drew."""
    drawn = (reference_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    return np.where(drawn, count_areas(reference_tzyx, pixel_mm2), np.nan)


def main(argv: Sequence[str]) -> None:
    """`case`: mask to areas and curve. `cohort`: all cases' beats, and their areas beside reference areas.

    `given`: both for a cohort that brings its estimates, all cases at once.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("case")
    add_options(one, IntegrateSettings, "mask", "ledger", "areas", "volumes")
    one.add_argument("--case", required=True)
    one.add_argument("--muscle", action="store_true", help="the mask tells muscle from background")
    one.set_defaults(run=_run_case)
    many = commands.add_parser("cohort")
    add_options(many, IntegrateSettings, "areas", "ledgers", "boxes", "volumes", "pairs")
    many.add_argument("--cases", nargs="+", required=True)
    many.add_argument("--window", type=section_of(Window), required=True, metavar="JSON", help="what the model sees")
    many.add_argument("--drawn", action="store_true", help="the cohort has references")
    many.set_defaults(run=_run_cohort)
    given = commands.add_parser("given")
    add_options(given, IntegrateSettings, "areas", "curves", "volumes", "pairs")
    given.add_argument("--source", type=section_of(GivenSource), required=True, metavar="JSON", help="what is read")
    given.add_argument("--cases", nargs="+", required=True)
    given.set_defaults(run=_run_given)
    args = parser.parse_args(argv)
    args.run(args)


def _run_case(args: argparse.Namespace) -> None:
    with passing_on(args.areas, args.volumes):
        mask, ledger = read_image(args.mask), read_json(args.ledger)
        x_mm, y_mm, _ = mask.spacing_xyz_mm
        positions = np.asarray(ledger["positions_mm"], float)
        table = AreaTable(count_areas(mask.array_tzyx, x_mm * y_mm), positions, thickness_of(ledger))
        muscle = count_areas(mask.array_tzyx, x_mm * y_mm, MYOCARDIUM) if args.muscle else None
        curve = volume_curve(table, args.settings)
        write_table(args.areas, AREAS, _area_rows(args.case, table, muscle))
        write_table(args.volumes, CURVE, _curve_rows(args.case, ledger["times_ms"], curve))


def _area_rows(case: str, table: AreaTable, myocardium: NDArray[Any] | None = None) -> Iterator[dict[str, object]]:
    muscle = np.full_like(table.areas_tz_mm2, np.nan) if myocardium is None else myocardium
    for (frame, z), area in np.ndenumerate(table.areas_tz_mm2):
        position = float(table.positions_mm[z])
        values = (case, frame, z, position, float(area), float(muscle[frame, z]))
        yield dict(zip(AREAS, values, strict=True))


def _curve_rows(case: str, times_ms: Sequence[float] | None, curve: NDArray[Any]) -> Iterator[dict[str, object]]:
    for frame, volume in enumerate(curve):
        time_ms = None if times_ms is None else float(times_ms[frame])
        yield dict(zip(CURVE, (case, frame, time_ms, float(volume)), strict=True))


def _run_cohort(args: argparse.Namespace) -> None:
    beats: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    for case in args.cases:
        file, boxes_file = args.areas / f"{case}_areas.csv", args.boxes / f"{case}_boxes.json"
        if is_rejected(file):
            beats.append(_no_beat(case, _no_heart(boxes_file)))
            continue
        ledger = read_json(args.ledgers / f"{case}_cine.json")
        rows = read_table(file)
        table, muscle = read_areas(rows, thickness_of(ledger)), read_muscle(rows)
        beat = measure_beat(table, args.settings)
        mass_g = muscle_mass_g(table, muscle, beat.ed_frame, args.settings)
        left_out = "" if ledger["complete"] else ledger["incomplete_reason"]
        boxes = read_place(boxes_file, args.window, table.areas_tz_mm2.shape[1])
        doubt = boxes.reason if boxes.doubtful else ""
        beats.append(_beat_row(case, table, beat, mass_g, left_out, doubt=doubt))
        reference = _reference(case, args) if args.drawn else np.full_like(table.areas_tz_mm2, np.nan)
        boxes_mm2 = window_areas_mm2(boxes, args.window)
        pairs.extend(_pair_rows(case, table, reference, boxes_mm2, {beat.ed_frame, beat.es_frame}))
    write_table(args.volumes, BEATS, beats)
    write_table(args.pairs, PAIRS, pairs)


def _run_given(args: argparse.Namespace) -> None:
    source: GivenSource = args.source
    reader = cast(EstimateReader, importlib.import_module(f"lvpipe.readers.{source.reader}"))
    found = dict(reader.read_estimates(Path(source.root), source.table, **source.options))
    given = {case: found.get(case.removeprefix(source.prefix), NO_TABLE) for case in args.cases}
    usable = {case: (one.table, one) for case, one in given.items() if one.table is not None}
    beats = {case: measure_beat(table, args.settings) for case, (table, _) in usable.items()}
    write_table(
        args.areas,
        AREAS,
        (row for case, (t, one) in usable.items() for row in _area_rows(case, t, one.myocardium_tz_mm2)),
    )
    curves = ((case, one.times_ms, volume_curve(table, args.settings)) for case, (table, one) in usable.items())
    write_table(args.curves, CURVE, (row for curve in curves for row in _curve_rows(*curve)))
    write_table(
        args.volumes,
        BEATS,
        [_given_row(case, one, beats.get(case), source.complete, args.settings) for case, one in given.items()],
    )
    write_table(
        args.pairs,
        PAIRS,
        (row for case, (table, _) in usable.items() for row in _given_pairs(case, table, beats[case])),
    )
    print(f"{len(usable)} of {len(given)} cases have areas")


def _given_row(
    case: str, one: Given, beat: Beat | None, complete: Completeness, settings: IntegrateSettings
) -> dict[str, object]:
    if one.table is None or beat is None:
        return _no_beat(case, one.reason)
    mass_g = muscle_mass_g(one.table, one.myocardium_tz_mm2, beat.ed_frame, settings)
    return _beat_row(case, one.table, beat, mass_g, incomplete_reason(one.table.positions_mm, complete), one.flags)


def _given_pairs(case: str, table: AreaTable, beat: Beat) -> Iterator[dict[str, object]]:
    """The slices of the two frames; nothing was drawn to compare them with, and there is no box."""
    unknown = np.full_like(table.areas_tz_mm2, np.nan)
    yield from _pair_rows(case, table, unknown, unknown[0], {beat.ed_frame, beat.es_frame})


def _no_beat(case: str, reason: str) -> dict[str, object]:
    return {**dict.fromkeys(BEATS), "case": case, "flags": "rejected", "reason": reason}


def _no_heart(boxes: Path) -> str:
    """Why nothing could be drawn: no heart was found; "" of a case that was rejected before, as its ledger says."""
    if is_rejected(boxes):
        return ""
    try:
        read_boxes(boxes)
    except Rejected as reason:
        return str(reason)
    return ""


def _beat_row(
    case: str,
    table: AreaTable,
    beat: Beat,
    mass_g: float,
    left_out: str,
    further: Sequence[str] = (),
    doubt: str = "",
) -> dict[str, object]:
    """One row of volumes.csv.

    `left_out` says what a stack lacks that is too incomplete to integrate, `doubt` why its heart may be elsewhere.
    """
    frames, slices = table.areas_tz_mm2.shape
    volumes = (beat.edv_ml, beat.esv_ml, beat.sv_ml, beat.ef_percent, mass_g)
    found = [flag for flag, why in ((HEART_DOUBTFUL, doubt), (INCOMPLETE, left_out)) if why]
    flags, reason = " ".join([*flags_of(table, beat), *further, *found]), "; ".join(filter(None, (left_out, doubt)))
    numbers = (beat.ed_frame, beat.es_frame, frames, slices)
    return dict(zip(BEATS, (case, *volumes, *numbers, flags, reason), strict=True))


def _pair_rows(
    case: str, table: AreaTable, reference: NDArray[Any], boxes_mm2: NDArray[np.float64], frames: set[int]
) -> Iterator[dict[str, object]]:
    """The slices of the two frames, and of every frame that was drawn."""
    wanted = sorted(frames | {int(frame) for frame in np.flatnonzero(np.isfinite(reference).any(axis=1))})
    for frame in wanted:
        for z, area in enumerate(table.areas_tz_mm2[frame]):
            values = (float(table.positions_mm[z]), float(area), float(boxes_mm2[z]), float(reference[frame, z]))
            yield dict(zip(PAIRS, (case, frame, z, *values), strict=True))


def _reference(case: str, args: argparse.Namespace) -> NDArray[np.float64]:
    image = read_image(args.ledgers / f"{case}_reference.nii.gz")
    x_mm, y_mm, _ = image.spacing_xyz_mm
    return reference_areas(image.array_tzyx, x_mm * y_mm)
