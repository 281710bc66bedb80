"""One study on its way to a cine, a reference and a ledger."""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from statistics import median
from typing import Any, Literal

import numpy as np

from lvpipe.cine.contours import parse_points, polygon_area
from lvpipe.cine.gaps import Layer, fill_gaps, interpolated, spread_labels
from lvpipe.cine.ledger import DIGEST_SHOWN, Ledger, combined_digest, digest
from lvpipe.cine.references import Drawing, Raster, reference_labels, reference_volumes
from lvpipe.cine.regrid import affine, compute_cine, labels_on_grid, source_to_cine, spacing_mm, time_step_ms
from lvpipe.cine.slices import Slice
from lvpipe.cine.stack import Stack, build_stack
from lvpipe.completeness import incomplete_reason
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import map_points
from lvpipe.images import Image
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.study import Content, Frame, Study, Unreadable


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
        cine_tzyx = compute_cine(stack, self.settings, self.ledger)
        layers = fill_gaps(stack, self.settings, self.ledger)
        positions_mm = [layer.position_mm for layer in layers]
        grid = affine(stack, positions_mm, self.ledger)
        self.facts |= _geometry(stack, layers) | _completeness(incomplete_reason(stack.positions_mm, self.settings))
        drawings, rasters = _read_drawings(self, stack), _rasters(self, stack)
        self.facts["reference"] = reference_volumes(drawings, rasters, spacing_mm(stack, positions_mm))
        frames_count, slices, rows, columns = cine_tzyx.shape
        labels_tzyx = reference_labels(drawings, rasters, (frames_count, slices, rows, columns), self._undrawn())
        labels_tzyx = spread_labels(labels_tzyx, layers, NOT_ANNOTATED)
        step_ms = time_step_ms(stack)
        return Image(interpolated(cine_tzyx, layers), grid, step_ms), Image(labels_tzyx, grid, step_ms)

    def read(self, path: Path) -> Content:
        """Read one of the study's files; its hash goes into the ledger.

        Raises:
            Unreadable: the disk does not give it.
        """
        try:
            found = path.stat()
            if not S_ISREG(found.st_mode):
                raise Unreadable("is no file")  # a pipe would keep us waiting, a device would never end
            if found.st_size > _LARGEST_BYTES:
                raise Unreadable(f"is larger than {_LARGEST_BYTES >> 20} MB")
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
            **(_completeness(reason) if reason else {}),
            "status": "rejected" if reason else "ok",
            "reason": reason,
            "files": {"count": len(found), "sha256": combined_digest(found.values())},
            "events": self.ledger.rows(),
            "found": self.ledger.fates(rejected=bool(reason)),
            "seen": list(self.study.seen),
        }

    def _undrawn(self) -> Literal["background", "unknown"]:
        return self.study.undrawn if self.settings.undrawn_slices == "as_source" else self.settings.undrawn_slices


_LARGEST_BYTES = 2**30
"""A 4D image of 30 frames of 12 slices of 512 x 512 floats is a third of this."""

_FARTHEST_MM = 10_000.0
_FINEST_MM, _COARSEST_MM = 0.01, 100.0
"""Bounds of positions and pixel spacings, far beyond those of any scanner."""

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
    "filled": [],
    "reference": None,
}
"""The facts of a case that was rejected before they were known."""


def _read_frames(conversion: Conversion) -> list[Frame]:
    """Every readable image; one read a file, for its hash, header and pixels."""
    for rule, what in conversion.study.notes:
        conversion.ledger.note(rule, what)
    if not conversion.study.images:
        conversion.ledger.reject("reject_empty", conversion.study.without_images)
    frames: list[Frame] = []
    with _uncollected():
        for file in conversion.study.images:
            try:
                frames += [_plausible(frame) for frame in conversion.study.decode(file, conversion.read)]
            except Unreadable as error:
                shown = conversion.digests.get(file.path, "")[:DIGEST_SHOWN]
                conversion.ledger.note("drop_unreadable", f"file {shown}: {error}; dropped")
    if not frames:
        reason = f"none of {len(conversion.study.images)} files is readable"
        conversion.ledger.reject("reject_unreadable", reason)
    _note_mended(conversion.ledger, frames)
    return _completed(conversion, frames)


def _plausible(frame: Frame) -> Frame:
    """The frame.

    Raises:
        Unreadable: it lies nowhere near a patient, or no pixel has that size: its header is damaged.
    """
    away_mm = max(abs(value) for value in frame.plane.origin_mm)
    if not (away_mm <= _FARTHEST_MM and all(_FINEST_MM <= step <= _COARSEST_MM for step in frame.plane.spacing_yx_mm)):
        raise Unreadable("no scanner has such a position or pixel spacing")
    return frame


def _note_mended(ledger: Ledger, frames: Sequence[Frame]) -> None:
    """What decoders mended: once for each file and kind, however many frames came from it."""
    counts = Counter(
        note for _, note in dict.fromkeys((frame.sha256, note) for frame in frames for note in frame.notes)
    )
    for (rule, what), files in counts.items():
        ledger.note(rule, what if files == 1 else f"{what} ({files} files)")


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
    pixels_yx = np.zeros_like(like.pixels_yx)
    return replace(like, file=file, instance=number, pixels_yx=pixels_yx, labels_yx=None, trigger_ms=None, blank=True)


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
    places = _places(stack)
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
        drawings += [_drawing(stack, t, z, contour.border, points_xy) for t, z in places[contour.image]]
    return drawings


def _places(stack: Stack) -> dict[Path, list[tuple[int, int]]]:
    """Where each image file stands in the stack: at several frames, where the cycle was matched."""
    places: dict[Path, list[tuple[int, int]]] = defaultdict(list)
    for z, one in enumerate(stack.slices):
        for t, frame in enumerate(one.frames):
            if not frame.blank:
                places[frame.file.path].append((t, z))
    return places


def _rasters(conversion: Conversion, stack: Stack) -> list[Raster]:
    """Labels that came with the images, carried to the cine's pixels."""
    rasters: list[Raster] = []
    for z, one in enumerate(stack.slices):
        pixel_mm2 = float(np.prod(one.plane.spacing_yx_mm))
        for t, frame in enumerate(one.frames):
            if frame.labels_yx is not None:
                carried_yx = labels_on_grid(stack, z, frame.labels_yx, conversion.settings)
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


def _completeness(reason: str) -> dict[str, Any]:
    """Whether a volume can be had from the stack, which whoever makes forecasts goes by."""
    return {"complete": not reason, "incomplete_reason": reason}


def _geometry(stack: Stack, layers: Sequence[Layer]) -> dict[str, Any]:
    thickness = [f.thickness_mm for one in stack.slices for f in one.frames if f.thickness_mm is not None]
    positions_mm = [layer.position_mm for layer in layers]
    for z, layer in enumerate(layers):
        if layer.slice is not None:
            stack.slices[layer.slice].found.slice = z
    return {
        "spacing_mm": [round(value, 6) for value in stack.grid.spacing_yx_mm],
        "positions_mm": [round(value, 4) for value in positions_mm],
        "slice_spacing_mm": round(spacing_mm(stack, positions_mm), 4),
        "thickness_mm": median(thickness) if thickness else None,
        "times_ms": list(stack.times_ms),
        "frames": len(stack.times_ms),
        "slices": len(layers),
        "slice_files": [[] if layer.slice is None else _files(stack.slices[layer.slice]) for layer in layers],
        "filled": [z for z, layer in enumerate(layers) if layer.slice is None],
    }


def _files(one: Slice) -> list[str]:
    return [frame.sha256[:DIGEST_SHOWN] for frame in one.frames if not frame.blank]
