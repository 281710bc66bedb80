"""`convert`: a study's DICOM files and contours as one 4D cine, its reference labels, and a ledger of all mends."""

import argparse
import gc
import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from lvpipe.arguments import add_options
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.sheet import SheetOrder
from lvpipe.contours import Drawing, parse_points, polygon_area, reference_labels, reference_volumes
from lvpipe.dicom import Frame, Unreadable, read_frame
from lvpipe.errors import Rejected
from lvpipe.files import write_json, write_table
from lvpipe.geometry import map_points
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.ledger import DIGEST_SHOWN, Ledger, combined_digest, digest
from lvpipe.regrid import compute_cine, source_to_cine, spacing_mm
from lvpipe.sheet import COLUMNS, parse_cases, sheet_rows
from lvpipe.stack import Stack, build_stack
from lvpipe.study import Study


@dataclass
class Conversion:
    """One case on its way; what is known of it so far stands in the ledger even when it is rejected."""

    study: Study
    settings: ConvertSettings
    ledger: Ledger = field(default_factory=Ledger)
    digests: dict[Path, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def images(self) -> tuple[Image, Image]:
        """The cine and its reference labels.

        Raises:
            Rejected: the study cannot be used.
        """
        frames = _read_frames(self)
        self.facts |= _person(frames)
        stack = build_stack(frames, self.study.slice_per_run, self.settings, self.ledger)
        cine = compute_cine(stack, self.settings, self.ledger)
        self.facts |= _geometry(stack, cine)
        drawings = _read_drawings(self, stack)
        self.facts["reference"] = reference_volumes(drawings, spacing_mm(stack))
        frames_count, slices, rows, columns = cine.array_tzyx.shape
        labels = reference_labels(drawings, (frames_count, slices, rows, columns), self.settings.undrawn_slices)
        return cine, Image(labels, cine.affine, cine.time_step_ms)

    def account(self, reason: str = "") -> dict[str, Any]:
        """What the ledger's file holds."""
        found = {path: self.digests[path] for path in sorted(self.digests)}
        return {
            **_UNKNOWN,
            **self.facts,
            "status": "rejected" if reason else "ok",
            "reason": reason,
            "files": {"count": len(found), "sha256": combined_digest(found.values())},
            "events": self.ledger.rows(),
        }


_UNKNOWN: dict[str, Any] = {
    "sex": "",
    "age_years": None,
    "spacing_mm": None,
    "positions_mm": [],
    "slice_spacing_mm": None,
    "thickness_mm": None,
    "times_ms": [],
    "frames": 0,
    "slices": 0,
    "slice_files": [],
    "reference": None,
}
"""The facts of a case that was rejected before they were known."""


def _read_frames(conversion: Conversion) -> list[Frame]:
    """Every readable image; one read a file, for its hash, header and pixels."""
    if not conversion.study.images:
        raise Rejected("no short-axis images in the study's folder")
    frames: list[Frame] = []
    with _uncollected():
        for file in conversion.study.images:
            try:
                content = file.path.read_bytes()
                conversion.digests[file.path] = digest(content)
                frames.append(read_frame(file, content, conversion.digests[file.path]))
            except (Unreadable, OSError) as error:
                cause = str(error) if isinstance(error, Unreadable) else f"cannot be read ({type(error).__name__})"
                shown = conversion.digests.get(file.path, "")[:DIGEST_SHOWN]
                conversion.ledger.note("drop_unreadable", f"file {shown}: {cause}; dropped")
    if not frames:
        raise Rejected(f"none of {len(conversion.study.images)} files is readable")
    guessed = sum(frame.placed_by_location for frame in frames)
    if guessed:
        conversion.ledger.note("place_by_slice_location", f"{guessed} images without ImagePositionPatient")
    return frames


@contextmanager
def _uncollected() -> Iterator[None]:
    """Headers are many small objects, and none is garbage: looking for it takes as long as reading them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_drawings(conversion: Conversion, stack: Stack) -> list[Drawing]:
    """Contours in the cine's pixels; those of images that were not kept are left out."""
    places = {frame.file.path: (t, z) for z, one in enumerate(stack.slices) for t, frame in enumerate(one.frames)}
    drawings: list[Drawing] = []
    for contour in conversion.study.contours:
        content = contour.path.read_bytes()
        conversion.digests[contour.path] = digest(content)
        shown = conversion.digests[contour.path][:DIGEST_SHOWN]
        try:
            points_xy = parse_points(content) - conversion.study.first_pixel
        except ValueError:
            conversion.ledger.note("drop_contour", f"contour {shown}: not a list of at least three points; dropped")
            continue
        if contour.image not in places:
            conversion.ledger.note(
                "drop_contour", f"contour {shown}: drawn on an image that is not in the cine; dropped"
            )
            continue
        t, z = places[contour.image]
        drawings.append(_drawing(stack, t, z, contour.border, points_xy))
    return drawings


def _drawing(stack: Stack, t: int, z: int, border: Any, points_xy: Any) -> Drawing:
    dy_mm, dx_mm = stack.slices[z].plane.spacing_yx_mm
    area_mm2 = polygon_area(points_xy) * dy_mm * dx_mm
    return Drawing(t, z, border, map_points(source_to_cine(stack, z), points_xy), area_mm2)


def _person(frames: Sequence[Frame]) -> dict[str, Any]:
    return {
        "sex": next((frame.sex for frame in frames if frame.sex), ""),
        "age_years": next((frame.age_years for frame in frames if frame.age_years is not None), None),
    }


def _geometry(stack: Stack, cine: Image) -> dict[str, Any]:
    thickness = [f.thickness_mm for one in stack.slices for f in one.frames if f.thickness_mm is not None]
    return {
        "spacing_mm": [round(value, 6) for value in stack.grid.spacing_yx_mm],
        "positions_mm": [round(value, 4) for value in stack.positions_mm],
        "slice_spacing_mm": round(spacing_mm(stack), 4),
        "thickness_mm": median(thickness) if thickness else None,
        "times_ms": list(stack.times_ms),
        "frames": cine.array_tzyx.shape[0],
        "slices": cine.array_tzyx.shape[1],
        "slice_files": [[frame.sha256[:DIGEST_SHOWN] for frame in one.frames] for one in stack.slices],
    }


def main(argv: Sequence[str]) -> None:
    """`case`: one study to its cine, ledger and, where asked for, its reference. `cohort`: the sheet of all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("case")
    add_options(one, ConvertSettings, "cine", "ledger")
    for name in ("reader", "case", "cohort"):
        one.add_argument(f"--{name}", required=True)
    one.add_argument("--sources", type=Path, nargs="+", required=True)
    one.add_argument("--reference", type=Path)
    one.set_defaults(run=_run_case)
    many = commands.add_parser("cohort")
    add_options(many, SheetOrder, "ledgers", "out")
    many.add_argument("--cases", nargs="+", required=True)
    many.set_defaults(run=_run_cohort)
    args = parser.parse_args(argv)
    args.run(args)


def _run_cohort(args: argparse.Namespace) -> None:
    write_table(args.out, COLUMNS, sheet_rows(args.settings, list(parse_cases(args.cases)), args.ledgers))


def _run_case(args: argparse.Namespace) -> None:
    reader = importlib.import_module(f"lvpipe.readers.{args.reader}")
    conversion = Conversion(reader.read_study(args.sources), args.settings)
    reason = ""
    try:
        cine, reference = conversion.images()
        write_image(args.cine, cine)
        if args.reference:
            write_image(args.reference, reference)
    except Rejected as error:
        reason = str(error)
        write_rejected(args.cine, *([args.reference] if args.reference else []))
    account = conversion.account(reason)
    write_json(args.ledger, {"case": args.case, "cohort": args.cohort, "reader": args.reader, **account})
    print(f"{args.case}: {reason or 'ok'}, {account['slices']} slices x {account['frames']} frames,", end=" ")
    print(f"{account['files']['count']} files, {len(account['events'])} events")
