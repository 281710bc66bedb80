"""NIfTI in and out: the one place that knows affines on disk, axis order on disk, and what a rejected case looks like.

On disk the axes are (x, y, z, t) in RAS+ millimetres, as NIfTI wants; in memory `cine_tzyx`, C-contiguous.
A rejected case is a file of zero bytes: no viewer opens it as an image, and `read_image` raises `Rejected`.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lvpipe.errors import Rejected, UserError
from lvpipe.files import write_bytes

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header
    from numpy.typing import NDArray

_VOXELS_START = 352
"""Where voxels begin in a single-file NIfTI-1: a header of 348 bytes, then four that say "no extensions"."""

_DIMENSIONS = 4

_GZIP_MAGIC = b"\x1f\x8b"

_GZIP_LEVEL = 1
"""Level 6 takes eight times as long for a tenth less on a noisy cine."""


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


def read_image(path: Path) -> Image:
    """Read a NIfTI as its stored values times its slope; integers without a slope stay integers.

    Raises:
        Rejected: the file has zero bytes.
    """
    import nibabel

    if path.stat().st_size == 0:
        raise Rejected(f"{path.name} is empty: the case was rejected earlier, its ledger says why")
    try:
        nifti = nibabel.nifti1.Nifti1Image.from_bytes(_unzipped(path))
    except Exception as error:
        raise UserError(f"{path}: not a readable NIfTI ({error}); expected a 4D .nii or .nii.gz") from error
    if len(nifti.shape) > _DIMENSIONS:
        raise UserError(f"{path}: has {len(nifti.shape)} dimensions; expected a 4D image: x, y, z and time")
    array = _values(nifti)
    array_tzyx = np.ascontiguousarray(array.reshape(array.shape + (1,) * (_DIMENSIONS - array.ndim)).T)
    return Image(array_tzyx, np.asarray(nifti.affine, dtype=np.float64), _time_step_ms(nifti.header))


def write_image(path: Path, image: Image, slope: float = 1.0) -> None:
    """Write atomically and byte-stably, zipped where the name says so; a stored integer times `slope` is its value."""
    block = _header(image, slope).binaryblock + bytes(_VOXELS_START - 348)
    content = block + _little_endian(image.array_tzyx).tobytes()
    zipped = path.suffix == ".gz"
    write_bytes(path, gzip.compress(content, compresslevel=_GZIP_LEVEL, mtime=0) if zipped else content)


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


def _header(image: Image, slope: float) -> "Nifti1Header":
    import nibabel

    header: Nifti1Header = nibabel.nifti1.Nifti1Header(endianness="<")
    header.set_data_dtype(image.array_tzyx.dtype)
    header.set_data_shape(image.array_tzyx.shape[::-1])
    header.set_qform(image.affine, code="scanner")
    header.set_sform(image.affine, code="scanner")
    header.set_xyzt_units("mm", "msec")
    header["pixdim"][4] = image.time_step_ms
    header.set_slope_inter(slope, 0.0)
    header["vox_offset"] = _VOXELS_START
    header["magic"] = b"n+1"
    return header


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


def _unzipped(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == _GZIP_MAGIC else content


def _time_step_ms(header: "Nifti1Header") -> float:
    per_unit = {"sec": 1000.0, "msec": 1.0, "usec": 0.001}.get(header.get_xyzt_units()[1], 1.0)
    return float(header["pixdim"][4]) * per_unit
