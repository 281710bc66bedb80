"""NIfTI in and out: the one place that knows affines on disk, axis order on disk, and what a rejected case looks like.

On disk the axes are (x, y, z, t) in RAS+ millimetres, as NIfTI wants; in memory `cine_tzyx`, C-contiguous. Several
images of one geometry share a file along a fifth axis.
A rejected case is a file of zero bytes: no viewer opens it as an image, and `read_image` raises `Rejected`.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lvpipe.errors import Rejected, UserError
from lvpipe.files import write_bytes
from lvpipe.zipped import pack, read_beginning, read_unzipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VOXELS_START = 352
"""Where voxels begin in a single-file NIfTI-1: a header of 348 bytes, then four that say "no extensions"."""

_DIMENSIONS = 4
_AXES = ("x", "y", "z", "time", "image")
_HEADER_AXES = 7
"""A header has room for the lengths of so many axes."""

_NIFTI = struct.Struct("<i10s18sihsB8h3fhhhh8f3fhbb4f2i80s24shh3f3f12f16s4s")
_NIFTI_KINDS = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
_SIDE_MAX = 2**15 - 1
_MILLIMETRES_AND_MILLISECONDS = 2 + 16
_SCANNER = 1
"""The code of a transform to the scanner's own coordinates."""


@dataclass(frozen=True)
class Image:
    """A 4D image: `array_tzyx`, the 4 x 4 `affine` from voxel (x, y, z) to RAS+ mm, and the time step."""

    array_tzyx: "NDArray[Any]"
    affine: "NDArray[np.float64]"
    time_step_ms: float = 0.0

    @property
    def spacing_xyz_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y and z, from the affine."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(x), float(y), float(z)

    @property
    def pixel_mm(self) -> float:
        """Side of a square pixel of the same area."""
        return float(np.sqrt(np.prod(self.spacing_xyz_mm[:2])))


def read_image(path: Path) -> Image:
    """Read a NIfTI as its stored values times its slope; integers without a slope stay integers.

    Raises:
        Rejected: the file has zero bytes.
    """
    (image,) = _read(path, _DIMENSIONS)
    return image


def read_images(path: Path) -> list[Image]:
    """The images along a file's fifth axis; one where it has none."""
    return _read(path, _DIMENSIONS + 1)


def read_geometry(path: Path) -> Image:
    """An image without its voxels, which stay on disk: zeros stand for them, and take no memory.

    Raises:
        Rejected: the file has zero bytes.
    """
    import nibabel

    _refuse_rejected(path)
    try:
        header = nibabel.nifti1.Nifti1Header(read_beginning(path, _NIFTI.size))
        affine, shape = np.asarray(header.get_best_affine(), np.float64), header.get_data_shape()[:_DIMENSIONS]
    except Exception as error:
        raise UserError(f"{path}: not a readable NIfTI ({error}); expected a 4D .nii or .nii.gz") from error
    shape_tzyx = (*[1] * (_DIMENSIONS - len(shape)), *shape[::-1])
    return Image(np.broadcast_to(np.uint8(0), shape_tzyx), affine, _time_step_ms(header))


def _read(path: Path, most: int) -> list[Image]:
    import nibabel

    _refuse_rejected(path)
    try:
        nifti = nibabel.nifti1.Nifti1Image.from_bytes(read_unzipped(path))
    except Exception as error:
        raise UserError(f"{path}: not a readable NIfTI ({error}); expected a 4D .nii or .nii.gz") from error
    if len(nifti.shape) > most:
        raise UserError(
            f"{path}: has {len(nifti.shape)} dimensions; expected a {most}D image: {', '.join(_AXES[:most])}"
        )
    array = _values(nifti)
    arrays = array.reshape(array.shape + (1,) * (_DIMENSIONS + 1 - array.ndim)).T
    affine, time_step_ms = np.asarray(nifti.affine, dtype=np.float64), _time_step_ms(nifti.header)
    return [Image(np.ascontiguousarray(array_tzyx), affine, time_step_ms) for array_tzyx in arrays]


def write_image(path: Path, image: Image, slope: float = 1.0, zipped: bool = True) -> None:
    """Write atomically and byte-stably; a stored integer times `slope` is its value.

    Whether it is zipped does not follow from the name: scratch files of the spool have other ones.
    """
    write_images(path, [image], slope, zipped)


def write_images(path: Path, images: Sequence[Image], slope: float = 1.0, zipped: bool = True) -> None:
    """The same of images of one geometry: several lie along a fifth axis, in their order."""
    first = images[0]
    arrays = first.array_tzyx if len(images) == 1 else np.stack([image.array_tzyx for image in images])
    head = _header(first, arrays.shape[::-1], slope) + bytes(_VOXELS_START - _NIFTI.size)
    voxels = _little_endian(arrays).reshape(-1).view(np.uint8).data
    write_bytes(path, pack(head, voxels) if zipped else head + voxels)


def write_rejected(*paths: Path) -> None:
    """Leave the zero-byte files that mark a rejected case."""
    for path in paths:
        write_bytes(path, b"")


@contextmanager
def passing_on(*outputs: Path) -> Iterator[None]:
    """Pass an earlier stage's rejection on: what the block would have written becomes zero-byte files."""
    try:
        yield
    except Rejected as reason:
        write_rejected(*outputs)
        print(f"passed on: {reason}")


def is_rejected(path: Path) -> bool:
    """Whether an earlier stage rejected this case."""
    return path.stat().st_size == 0


def _header(image: Image, shape: tuple[int, ...], slope: float) -> bytes:
    """A NIfTI-1 header: nibabel would write the same one, and takes 0.26 s to import."""
    kind = image.array_tzyx.dtype.str[1:]
    if kind not in _NIFTI_KINDS or not _DIMENSIONS <= len(shape) <= _DIMENSIONS + 1 or max(shape) > _SIDE_MAX:
        raise ValueError(f"no NIfTI-1 has {len(shape)} dimensions of {shape} with values of {image.array_tzyx.dtype}")
    handedness, quaternion = _rotation(image.affine)
    affine = image.affine[:3]
    return _NIFTI.pack(
        *(_NIFTI.size, b"", b"", 0, 0, b"", 0),
        *(len(shape), *shape, *[1] * (_HEADER_AXES - len(shape))),
        *(0, 0, 0, 0, _NIFTI_KINDS[kind], 8 * image.array_tzyx.dtype.itemsize, 0),
        *(handedness, *image.spacing_xyz_mm, image.time_step_ms, 1, 1, 1),
        *(_VOXELS_START, slope, 0, 0, 0, _MILLIMETRES_AND_MILLISECONDS, 0, 0, 0, 0, 0, 0, b"", b""),
        *(_SCANNER, _SCANNER, *quaternion, *affine[:, 3], *affine.ravel(), b"", b"n+1"),
    )


def _rotation(affine: "NDArray[np.float64]") -> tuple[float, tuple[float, float, float]]:
    """The nearest rotation as a quaternion's b, c and d, and -1 where z has to be turned about first.

    The quaternion is the eigenvector of the greatest eigenvalue of a matrix of the rotation's elements (Bar-Itzhack,
    J Guid Control Dyn 23, 2000).
    """
    columns = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    handedness = 1.0 if np.linalg.det(columns) > 0 else -1.0
    columns = columns * (1, 1, handedness)
    left, _, right = np.linalg.svd(columns)
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = left @ right
    matrix = [
        [xx - yy - zz, yx + xy, zx + xz, yz - zy],
        [yx + xy, yy - xx - zz, yz + zy, zx - xz],
        [zx + xz, yz + zy, zz - xx - yy, xy - yx],
        [yz - zy, zx - xz, xy - yx, xx + yy + zz],
    ]
    b, c, d, a = np.linalg.eigh(np.array(matrix))[1][:, -1]
    sign = -1.0 if a < 0 else 1.0
    return handedness, (sign * float(b), sign * float(c), sign * float(d))


def _values(nifti: Any) -> "NDArray[Any]":
    """Stored values times slope, in this machine's byte order: torch and SimpleITK know no other.

    The slope is asked of the voxels: nibabel blanks it in the header of an image that it has read.
    """
    voxels = nifti.dataobj
    plain = (voxels.slope, voxels.inter) == (1.0, 0.0)
    array = voxels.get_unscaled() if plain else nifti.get_fdata(dtype=np.float32)
    return np.asarray(array, array.dtype.newbyteorder("="))


def _little_endian(array: "NDArray[Any]") -> "NDArray[Any]":
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _refuse_rejected(path: Path) -> None:
    if path.stat().st_size == 0:
        raise Rejected(f"{path.name} is empty: the case was rejected earlier, its ledger says why")


def _time_step_ms(header: Any) -> float:
    per_unit = {"sec": 1000.0, "msec": 1.0, "usec": 0.001}.get(header.get_xyzt_units()[1], 1.0)
    return float(header["pixdim"][4]) * per_unit
