"""One study on its way to a cine, a reference and a ledger."""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np

from lvpipe.config.convert import ConvertSettings
from lvpipe.contours import parse_points, polygon_area
from lvpipe.errors import Rejected
from lvpipe.geometry import map_points
from lvpipe.images import Image
from lvpipe.labels import CAVITY
from lvpipe.ledger import DIGEST_SHOWN, Ledger, combined_digest, digest
from lvpipe.references import Drawing, Raster, reference_labels, reference_volumes
from lvpipe.regrid import carried_labels, compute_cine, source_to_cine, spacing_mm
from lvpipe.stack import Stack, build_stack
from lvpipe.study import MENDS, Content, Frame, Study, Unreadable


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
        drawings, rasters = _read_drawings(self, stack), _rasters(self, stack)
        self.facts["reference"] = reference_volumes(drawings, rasters, spacing_mm(stack))
        frames_count, slices, rows, columns = cine.array_tzyx.shape
        labels = reference_labels(drawings, rasters, (frames_count, slices, rows, columns), self._undrawn())
        return cine, Image(labels, cine.affine, cine.time_step_ms)

    def read(self, path: Path) -> Content:
        """Read one of the study's files; its hash goes into the ledger.

        Raises:
            Unreadable: the disk does not give it.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unreadable(f"cannot be read ({type(error).__name__})") from None
        self.digests[path] = digest(data)
        return Content(data, self.digests[path])

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
            "seen": list(self.study.seen),
        }

    def _undrawn(self) -> Literal["background", "unknown"]:
        return self.study.undrawn if self.settings.undrawn_slices == "as_source" else self.settings.undrawn_slices


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
    for rule, what in conversion.study.notes:
        conversion.ledger.note(rule, what)
    if not conversion.study.images:
        raise Rejected(conversion.study.without_images)
    frames: list[Frame] = []
    with _uncollected():
        for file in conversion.study.images:
            try:
                frames += conversion.study.decode(file, conversion.read)
            except Unreadable as error:
                shown = conversion.digests.get(file.path, "")[:DIGEST_SHOWN]
                conversion.ledger.note("drop_unreadable", f"file {shown}: {error}; dropped")
    if not frames:
        raise Rejected(f"none of {len(conversion.study.images)} files is readable")
    frames = _completed(conversion, frames)
    guessed = sum(frame.placed_by_location for frame in frames)
    if guessed:
        conversion.ledger.note("place_by_slice_location", f"{guessed} images without ImagePositionPatient")
    mended = Counter(mend for frame in frames for mend in frame.mends)
    for mend in sorted(mended):
        conversion.ledger.note(mend, f"{mended[mend]} images {MENDS[mend]}")
    return frames


def _completed(conversion: Conversion, frames: list[Frame]) -> list[Frame]:
    """Of a sparse source: a blank image, on which nothing is known, for each frame that a slice does not have."""
    if not conversion.study.sparse:
        return frames
    runs: dict[str, dict[int, Frame]] = {}
    for frame in frames:
        runs.setdefault(frame.file.run, {})[frame.file.number] = frame
    numbers = sorted({number for run in runs.values() for number in run})
    blanks = [
        _blank(next(iter(run.values())), number) for run in runs.values() for number in numbers if number not in run
    ]
    if blanks:
        conversion.ledger.note("blank_missing_frames", f"{len(blanks)} images that are not there are blank")
    return frames + blanks


def _blank(like: Frame, number: int) -> Frame:
    file = replace(like.file, number=number, labels=())
    return replace(
        like, file=file, instance=number, pixels_yx=np.zeros_like(like.pixels_yx), labels_yx=None, trigger_ms=None
    )


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
        try:
            content = conversion.read(contour.path)
            points_xy = parse_points(content.data) - conversion.study.first_pixel
        except (Unreadable, ValueError) as error:
            shown = conversion.digests.get(contour.path, "")[:DIGEST_SHOWN]
            cause = str(error) if isinstance(error, Unreadable) else "not a list of at least three points"
            conversion.ledger.note("drop_contour", f"contour {shown}: {cause}; dropped")
            continue
        if contour.image not in places:
            conversion.ledger.note(
                "drop_contour",
                f"contour {content.sha256[:DIGEST_SHOWN]}: drawn on an image that is not in the cine; dropped",
            )
            continue
        t, z = places[contour.image]
        drawings.append(_drawing(stack, t, z, contour.border, points_xy))
    return drawings


def _rasters(conversion: Conversion, stack: Stack) -> list[Raster]:
    """Labels that came with the images, carried to the cine's pixels."""
    rasters: list[Raster] = []
    for z, one in enumerate(stack.slices):
        pixel_mm2 = float(np.prod(one.plane.spacing_yx_mm))
        for t, frame in enumerate(one.frames):
            if frame.labels_yx is not None:
                carried_yx = carried_labels(stack, z, frame.labels_yx, conversion.settings.grid_tolerance_px)
                rasters.append(Raster(t, z, carried_yx, float((frame.labels_yx == CAVITY).sum() * pixel_mm2)))
    return rasters


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
