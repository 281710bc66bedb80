"""One NIfTI file: an image of two to four dimensions, and labels drawn on its voxels, as frames in patient space.

nibabel reads the header. The voxels are taken from the bytes here: what a header claims is compared with what the file
has before anything of that size is made, and a cine is not copied.
"""

import math
import zlib
from dataclasses import dataclass, replace
from logging import CRITICAL, Logger
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.decoders.label_files import usable_labels
from lvpipe.decoders.values import real_values
from lvpipe.geometry import Floats, Plane, Vector, to_mm
from lvpipe.labels import BACKGROUND
from lvpipe.study import Frame, ImageFile, LabelFile, Note, Read, Unreadable

_GZIP = b"\x1f\x8b"
_GZIP_STREAM = 31
"""zlib's word for "a gzip header, then the largest window"."""

_HEADER_BYTES = 544
"""Enough for either header: NIfTI-1 has 348 bytes, NIfTI-2 540."""

_LARGEST_BYTES = 2**30
"""More voxels than any cine has (512 x 512 x 20 x 50 of 16 bits are half of this)."""

_AXES = 4

_CYCLE_MS = (200.0, 3000.0)
"""A heart cycle: a time step that makes another one is not believed."""

_VOXEL_MM = (0.05, 50.0)
"""A voxel's side: a header or a unit of length that makes another one is not believed."""

_LARGEST_MM = 1e5
"""No scanner is as large: an affine beyond it is damaged."""

_FLATTEST = 0.1
"""The volume of three unit axes below which they are too nearly in one plane to be a voxel's."""

_THICKER = 1.5
"""Voxels this much longer along one axis than along both others are slices across that axis."""

_CONFLICT_MM = 1.0
_CONFLICT_SHARE = 0.01
_LPS = np.diag([-1.0, -1.0, 1.0])

_SILENT = Logger("nifti header", CRITICAL)
"""nibabel tells of every mend of a header; what matters of them is told here."""


@dataclass(frozen=True, eq=False)
class Voxels:
    """A NIfTI's values as (x, y, z, t), the affine to RAS+ mm, the time between frames, and what was mended."""

    array_xyzt: NDArray[Any]
    affine: Floats
    step_ms: float | None
    notes: tuple[Note, ...]

    @property
    def corners_mm(self) -> Floats:
        """The eight corner voxels."""
        return _corners_mm(self.affine, self.array_xyzt.shape[:3])

    @property
    def half_voxel_mm(self) -> float:
        """Half of the shortest side."""
        return float(np.linalg.norm(self.affine[:3, :3], axis=0).min() / 2)


def read_frames(file: ImageFile, read: Read, unit_spacing: bool = False) -> list[Frame]:
    """Open a file; with `unit_spacing` its voxels count as cubes of 1 mm, whatever its header says.

    Raises:
        Unreadable: it is no NIfTI image of real numbers, is cut off, or has no usable geometry.
    """
    content = read(file.path)
    image = read_voxels(content.data)
    labels, notes = _labels(file, read, image)
    affine = _unit(image.affine) if unit_spacing else image.affine
    _, _, slices, frames = image.array_xyzt.shape
    planes = [_plane(affine, image.array_xyzt.shape, z) for z in range(slices)]
    thickness = float(np.linalg.norm(affine[:3, 2])) if slices == 1 else None
    return [
        Frame(
            file=file,
            sha256=content.sha256,
            plane=planes[z],
            pixels_yx=image.array_xyzt[:, :, z, t].T,
            instance=t + 1 if frames > 1 else file.number,
            trigger_ms=None if image.step_ms is None else t * image.step_ms,
            labels_yx=labels[t][:, :, z].T if t in labels else None,
            thickness_mm=thickness,
            notes=(*image.notes, *notes),
        )
        for t in range(frames)
        for z in range(slices)
    ]


def read_voxels(content: bytes) -> Voxels:
    """Decode a file's bytes, zipped or not.

    Raises:
        Unreadable: as for `read_frames`.
    """
    try:
        with np.errstate(all="ignore"):  # numbers of a damaged header; each is looked at
            return _read_voxels(content)
    except Unreadable:
        raise
    except zlib.error:
        raise Unreadable("a damaged gzip stream") from None
    except Exception as error:  # what a damaged file makes a parser raise has no bound
        raise Unreadable(f"not readable as NIfTI ({type(error).__name__})") from None


def _read_voxels(content: bytes) -> Voxels:
    header = _header(_inflated(content, _HEADER_BYTES))
    shape, kind, start = _shape(header), _kind(header), _start(header)
    size = math.prod(shape) * kind.itemsize
    if size > _LARGEST_BYTES:
        raise Unreadable(f"its header claims {size} bytes of voxels; expected at most {_LARGEST_BYTES}")
    # One byte more than needed: only at its end does a gzip stream compare its checksum.
    raw = _inflated(content, start + size + 1)
    if len(raw) < start + size:
        raise Unreadable(f"its header claims {size} bytes of voxels and {max(len(raw) - start, 0)} are there: cut off")
    stored = np.frombuffer(raw, kind, math.prod(shape), start).reshape(shape, order="F")
    values, notes = real_values(stored.astype(kind.newbyteorder("="), copy=False), *_slope(header))
    if len(raw) > start + size:
        notes.append(Note("ignore_trailing_bytes", "bytes behind the voxels that its header claims; it may be damaged"))
    affine, more = _affine(header, shape)
    _check_sizes(affine)
    step_ms, timing = _step_ms(header, shape[3])
    return _turned(Voxels(values, affine, step_ms, (*notes, *more, *timing)))


def _inflated(content: bytes, most: int) -> bytes:
    """The first bytes of a file, unzipped where it is zipped; a gzip file may have several streams."""
    if not content.startswith(_GZIP):
        return content[:most]
    parts: list[bytes] = []
    while content.startswith(_GZIP) and most > 0:
        stream = zlib.decompressobj(_GZIP_STREAM)
        parts.append(stream.decompress(content, most))
        most -= len(parts[-1])
        content = stream.unused_data
    return b"".join(parts)


def _header(raw: bytes) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    kind: Any = Nifti2Header if raw[:4] in ((540).to_bytes(4, "little"), (540).to_bytes(4, "big")) else Nifti1Header
    if len(raw) < kind.sizeof_hdr:
        raise Unreadable(f"{len(raw)} bytes; expected a NIfTI header")
    header = kind(raw[: kind.sizeof_hdr], check=False)
    told = np.abs(header["pixdim"][1:4])
    header.check_fix(logger=_SILENT)
    # Sizes of 0, which nibabel takes for 1, are not known; an axis of one voxel needs none.
    header["pixdim"][1:4] = np.where((told == 0) & (header["dim"][1:4] <= 1), 1, told)
    if header["magic"].item() != header.single_magic:
        raise Unreadable("the header of a pair .hdr and .img; expected a single .nii or .nii.gz")
    return header


def _shape(header: Any) -> tuple[int, ...]:
    """Four axes: further ones of length 1 go, missing ones have length 1."""
    axes = int(header["dim"][0])
    shape = [int(length) for length in header["dim"][1 : axes + 1]] if 2 <= axes <= 7 else []
    if not shape or min(shape) < 1 or max(shape[_AXES:], default=1) > 1:
        raise Unreadable(f"axes of length {shape or axes}; expected x, y, z and time")
    return (*shape, 1, 1)[:_AXES]


def _kind(header: Any) -> np.dtype[Any]:
    kind: np.dtype[Any] = header.get_data_dtype()
    if kind.kind not in "iuf" or kind.itemsize > 8:
        raise Unreadable(f"voxels of type {header.get_value_label('datatype')}; expected real numbers of up to 64 bits")
    return kind


def _start(header: Any) -> int:
    start = float(header["vox_offset"])
    if not header.sizeof_hdr <= start < _LARGEST_BYTES:
        raise Unreadable("the place of its voxels is not behind its header")
    return int(start)


def _slope(header: Any) -> tuple[float, float]:
    """A slope of 0 or none at all means "not scaled", whatever the intercept."""
    slope, intercept = header.get_slope_inter()
    return (1.0, 0.0) if slope is None else (float(slope), float(intercept))


def _affine(header: Any, shape: tuple[int, ...]) -> tuple[Floats, list[Note]]:
    """Voxel to RAS+ mm: by the sform, else the qform, else by voxel sizes, as nibabel and most viewers have it."""
    told = [affine for affine in (_sform(header), _qform(header)) if affine is not None and _is_usable(affine)]
    if not told:
        base = np.asarray(header.get_base_affine(), dtype=np.float64)
        if not _is_usable(base):
            raise Unreadable("no usable qform, sform or voxel sizes")
        what = "neither qform nor sform can be used: positions by voxel sizes, directions are not known"
        return _in_mm(header, base, [Note("place_by_voxel_size", what)])
    notes: list[Note] = []
    if len(told) == 2:
        apart = _distance_mm(_corners_mm(told[0], shape[:3]), _corners_mm(told[1], shape[:3]))
        if apart > _CONFLICT_MM:
            notes.append(
                Note("prefer_sform", f"sform and qform put voxels up to {apart:.1f} mm apart; the sform counts")
            )
    sizes, sides = np.linalg.norm(told[0][:3, :3], axis=0), np.abs(header["pixdim"][1:4].astype(np.float64))
    if not np.allclose(sizes, sides, rtol=_CONFLICT_SHARE):
        notes.append(Note("prefer_sform", "the voxel sizes are not those of the sform or qform, which counts"))
    return _in_mm(header, told[0], notes)


def _sform(header: Any) -> Floats | None:
    return np.asarray(header.get_sform(), dtype=np.float64) if header["sform_code"] > 0 else None


def _qform(header: Any) -> Floats | None:
    from nibabel.spatialimages import HeaderDataError

    try:
        return np.asarray(header.get_qform(), dtype=np.float64) if header["qform_code"] > 0 else None
    except HeaderDataError:  # quaternions that are no rotation
        return None


def _is_usable(affine: Floats) -> bool:
    """Three axes that span a voxel, within any scanner."""
    if not np.isfinite(affine).all() or np.abs(affine).max() > _LARGEST_MM:
        return False
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(sizes.min() > 0 and abs(np.linalg.det(affine[:3, :3] / sizes)) > _FLATTEST)


def _check_sizes(affine: Floats) -> None:
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not (_VOXEL_MM[0] <= sizes.min() and sizes.max() <= _VOXEL_MM[1]):
        told = " x ".join(f"{size:.3g}" for size in sizes)
        raise Unreadable(f"voxels of {told} mm; expected sides of {_VOXEL_MM[0]:g} to {_VOXEL_MM[1]:g} mm")


def _in_mm(header: Any, affine: Floats, notes: list[Note]) -> tuple[Floats, list[Note]]:
    """Metres and micrometres are believed where they make voxels of a possible size."""
    scale = {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) & 0x07, 1.0)
    sizes = np.linalg.norm(affine[:3, :3], axis=0) * scale
    if scale != 1 and not (_VOXEL_MM[0] <= sizes.min() and sizes.max() <= _VOXEL_MM[1]):
        return affine, [*notes, Note("guess_unit", "its unit of length makes impossible voxels; taken as mm")]
    return np.diag([scale, scale, scale, 1.0]) @ affine, notes


def _step_ms(header: Any, frames: int) -> tuple[float | None, list[Note]]:
    """The time between frames, in the unit that is told, else in that which makes a heart cycle of them."""
    step = float(header["pixdim"][_AXES])
    told = {8: 1000.0, 16: 1.0, 24: 0.001}.get(int(header["xyzt_units"]) & 0x38)
    if frames < 2 or not math.isfinite(step):
        return None, []
    for scale in (told, 1.0, 1000.0):
        if scale is not None and _CYCLE_MS[0] <= step * scale * frames <= _CYCLE_MS[1]:
            what = f"its unit of time makes no heart cycle or is missing; taken as {'ms' if scale == 1 else 's'}"
            return step * scale, [] if scale == told else [Note("guess_unit", what)]
    return None, []


def _turned(voxels: Voxels) -> Voxels:
    """Slices across the third axis, where the voxels' sides show that they are across another."""
    sizes = np.linalg.norm(voxels.affine[:3, :3], axis=0)
    across = int(sizes.argmax())
    if across == 2 or sizes[across] < _THICKER * np.sort(sizes)[1]:
        return voxels
    order = [*(axis for axis in range(3) if axis != across), across, 3]
    what = f"slices lie across the {('first', 'second')[across]} axis of the file, along which its voxels are longest"
    return replace(
        voxels,
        array_xyzt=voxels.array_xyzt.transpose(order),
        affine=voxels.affine[:, order],
        notes=(*voxels.notes, Note("find_slice_axis", what)),
    )


def _plane(affine: Floats, shape: tuple[int, ...], z: int) -> Plane:
    steps = _LPS @ affine[:3, :3]
    dx, dy = np.linalg.norm(steps[:, :2], axis=0)
    origin = _LPS @ affine[:3, 3] + z * steps[:, 2]
    return Plane(
        origin_mm=_vector(origin),
        x_axis=_vector(steps[:, 0] / dx),
        y_axis=_vector(steps[:, 1] / dy),
        spacing_yx_mm=(float(dy), float(dx)),
        shape_yx=(shape[1], shape[0]),
    )


def _unit(affine: Floats) -> Floats:
    unit = affine.copy()
    unit[:3, :3] /= np.linalg.norm(affine[:3, :3], axis=0)
    return unit


def _labels(file: ImageFile, read: Read, image: Voxels) -> tuple[dict[int, NDArray[np.uint8]], list[Note]]:
    """What was drawn, (x, y, z) by frame; a label file that cannot be used is left out, the image stays."""
    drawn: dict[int, NDArray[np.uint8]] = {}
    notes: list[Note] = []
    labels = usable_labels(file, read, "labels", lambda label, data: _drawn(label, data, image), notes)
    for name, (found, more) in labels:
        twice = sorted(set(found) & set(drawn))
        if twice:
            more.append(Note("drop_labels", f"{name}: frame {twice[0] + 1} was drawn before; the last counts"))
        drawn |= found
        notes += [Note(rule, f"{name}: {what}") for rule, what in more]
    return drawn, notes


def _drawn(label: LabelFile, content: bytes, image: Voxels) -> tuple[dict[int, NDArray[np.uint8]], list[Note]]:
    """The labels of one file by frame; a frame in which nothing at all is drawn is not annotated."""
    voxels, notes = _aligned(read_voxels(content), image)
    frames = _frames(label, voxels.array_xyzt.shape[3], image.array_xyzt.shape[3])
    if voxels.array_xyzt.dtype.kind == "f" and not np.array_equal(voxels.array_xyzt, np.rint(voxels.array_xyzt)):
        raise Unreadable("values between whole numbers; expected labels")
    drawn = {frame: t for t, frame in enumerate(frames) if voxels.array_xyzt[..., t].any()}
    if len(drawn) < len(frames):
        what = f"{len(frames) - len(drawn)} of {len(frames)} frames are empty: not annotated"
        notes.append(Note("skip_empty_labels", what))
    return {frame: _named(voxels.array_xyzt[..., t], label) for frame, t in drawn.items()}, notes


def _frames(label: LabelFile, drawn: int, frames: int) -> list[int]:
    if label.frame is None and drawn == frames:
        return list(range(frames))
    if label.frame is None or drawn != 1:
        raise Unreadable(f"{drawn} frames; expected {frames if label.frame is None else 1}, as drawn on")
    if not 0 <= label.frame < frames:
        raise Unreadable(f"drawn on frame {label.frame + 1} of an image of {frames}")
    return [label.frame]


def _named(values_xyz: NDArray[Any], label: LabelFile) -> NDArray[np.uint8]:
    named = np.full(values_xyz.shape, BACKGROUND, dtype=np.uint8)
    for value, meaning in label.values:
        named[values_xyz == value] = meaning
    return named


def _aligned(labels: Voxels, image: Voxels) -> tuple[Voxels, list[Note]]:
    """Labels on the image's voxels: where their header says, else turned to it, else one by one."""
    shape = image.array_xyzt.shape[:3]
    for found in (labels, _oriented(labels, image)):
        if (
            found.array_xyzt.shape[:3] == shape
            and _distance_mm(found.corners_mm, image.corners_mm) < image.half_voxel_mm
        ):
            return found, []
    if labels.array_xyzt.shape[:3] != shape:
        raise Unreadable(f"{labels.array_xyzt.shape[:3]} voxels; expected {shape}, as the image has")
    apart = _distance_mm(labels.corners_mm, image.corners_mm)
    what = f"their header puts them up to {apart:.1f} mm from the image's voxels; taken voxel by voxel"
    return labels, [Note("labels_by_voxel", what)]


def _oriented(labels: Voxels, image: Voxels) -> Voxels:
    """The same labels with their axes in the image's order and direction."""
    from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

    turn = io_orientation(np.linalg.inv(image.affine) @ labels.affine)
    array = apply_orientation(labels.array_xyzt, turn)
    return replace(labels, array_xyzt=array, affine=labels.affine @ inv_ornt_aff(turn, labels.array_xyzt.shape[:3]))


def _corners_mm(affine: Floats, shape: tuple[int, ...]) -> Floats:
    ends = np.array(np.meshgrid(*[(0, length - 1) for length in shape], indexing="ij"), dtype=np.float64)
    return to_mm(affine, ends.reshape(3, -1).T)


def _distance_mm(points: Floats, others: Floats) -> float:
    return float(np.linalg.norm(points - others, axis=1).max())


def _vector(values: Floats) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
