"""`integrate`: how many millilitres, in every frame, at end-diastole and at end-systole."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.arguments import add_options
from lvpipe.beats import AreaTable, flags_of, measure_beat, read_areas, volume_curve
from lvpipe.boxes import read_boxes
from lvpipe.config.integrate import IntegrateSettings
from lvpipe.files import read_json, read_table, write_table
from lvpipe.images import is_rejected, passing_on, read_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED

AREAS = ("case", "frame", "slice", "position_mm", "cavity_mm2", "myocardium_mm2")
CURVE = ("case", "frame", "time_ms", "cavity_ml")
BEATS = ("case", "edv_ml", "esv_ml", "sv_ml", "ef_percent", "ed_frame", "es_frame", "frames", "slices", "flags")
PAIRS = ("case", "frame", "slice", "position_mm", "cavity_mm2", "box_mm2", "reference_mm2")


def count_areas(mask_tzyx: NDArray[Any], pixel_mm2: float) -> NDArray[np.float64]:
    """Cavity area in mm2 of every frame and slice."""
    return np.asarray((mask_tzyx == CAVITY).sum(axis=(2, 3)) * pixel_mm2)


def reference_areas(reference_tzyx: NDArray[Any], pixel_mm2: float) -> NDArray[np.float64]:
    """The same of a reference; NaN where nobody drew."""
    drawn = (reference_tzyx != NOT_ANNOTATED).any(axis=(2, 3))
    return np.where(drawn, count_areas(reference_tzyx, pixel_mm2), np.nan)


def main(argv: Sequence[str]) -> None:
    """`case`: mask to areas and curve. `cohort`: all cases' beats, and their areas beside reference areas."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("case")
    add_options(one, IntegrateSettings, "mask", "ledger", "areas", "volumes")
    one.add_argument("--case", required=True)
    one.set_defaults(run=_run_case)
    many = commands.add_parser("cohort")
    add_options(many, IntegrateSettings, "areas", "ledgers", "boxes", "volumes", "pairs")
    many.add_argument("--cases", nargs="+", required=True)
    many.add_argument("--drawn", action="store_true", help="the cohort has references")
    many.set_defaults(run=_run_cohort)
    args = parser.parse_args(argv)
    args.run(args)


def _run_case(args: argparse.Namespace) -> None:
    with passing_on(args.areas, args.volumes):
        mask, ledger = read_image(args.mask), read_json(args.ledger)
        x_mm, y_mm, _ = mask.spacing_xyz_mm
        positions = np.asarray(ledger["positions_mm"], float)
        table = AreaTable(count_areas(mask.array_tzyx, x_mm * y_mm), positions, _thickness_mm(ledger))
        curve = volume_curve(table, args.settings)
        write_table(args.areas, AREAS, _area_rows(args.case, table))
        write_table(args.volumes, CURVE, _curve_rows(args.case, ledger["times_ms"], curve))


def _thickness_mm(ledger: Mapping[str, Any]) -> float:
    """The header's slice thickness, or the distance of slices where it says none."""
    return float(ledger["thickness_mm"] or ledger["slice_spacing_mm"] or 0.0)


def _area_rows(case: str, table: AreaTable) -> Iterator[dict[str, object]]:
    for (frame, z), area in np.ndenumerate(table.areas_tz_mm2):
        position = float(table.positions_mm[z])
        yield dict(zip(AREAS, (case, frame, z, position, float(area), None), strict=True))


def _curve_rows(case: str, times_ms: Sequence[float], curve: NDArray[Any]) -> Iterator[dict[str, object]]:
    for frame, volume in enumerate(curve):
        yield dict(zip(CURVE, (case, frame, float(times_ms[frame]), float(volume)), strict=True))


def _run_cohort(args: argparse.Namespace) -> None:
    beats: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    for case in args.cases:
        file = args.areas / f"{case}_areas.csv"
        if is_rejected(file):
            beats.append({**dict.fromkeys(BEATS), "case": case, "flags": "rejected"})
            continue
        ledger = read_json(args.ledgers / f"{case}_cine.json")
        table = read_areas(read_table(file), _thickness_mm(ledger))
        beat = measure_beat(table, args.settings)
        beats.append(_beat_row(case, table, args.settings))
        reference = _reference(case, args) if args.drawn else np.full_like(table.areas_tz_mm2, np.nan)
        box_mm2 = read_boxes(args.boxes / f"{case}_boxes.json").area_mm2
        pairs.extend(_pair_rows(case, table, reference, box_mm2, {beat.ed_frame, beat.es_frame}))
    write_table(args.volumes, BEATS, beats)
    write_table(args.pairs, PAIRS, pairs)


def _beat_row(case: str, table: AreaTable, settings: IntegrateSettings) -> dict[str, object]:
    beat = measure_beat(table, settings)
    frames, slices = table.areas_tz_mm2.shape
    volumes = (beat.edv_ml, beat.esv_ml, beat.sv_ml, beat.ef_percent)
    flags = " ".join(flags_of(table, beat))
    return dict(zip(BEATS, (case, *volumes, beat.ed_frame, beat.es_frame, frames, slices, flags), strict=True))


def _pair_rows(
    case: str, table: AreaTable, reference: NDArray[Any], box_mm2: float, frames: set[int]
) -> Iterator[dict[str, object]]:
    """The slices of the two frames, and of every frame that was drawn."""
    wanted = sorted(frames | {int(frame) for frame in np.flatnonzero(np.isfinite(reference).any(axis=1))})
    for frame in wanted:
        for z, area in enumerate(table.areas_tz_mm2[frame]):
            values = (case, frame, z, float(table.positions_mm[z]), float(area), box_mm2, float(reference[frame, z]))
            yield dict(zip(PAIRS, values, strict=True))


def _reference(case: str, args: argparse.Namespace) -> NDArray[np.float64]:
    image = read_image(args.ledgers / f"{case}_reference.nii.gz")
    x_mm, y_mm, _ = image.spacing_xyz_mm
    return reference_areas(image.array_tzyx, x_mm * y_mm)
