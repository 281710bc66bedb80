"""One square box per slice: on disk, and cut out of or put back into a cine."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.errors import Rejected
from lvpipe.files import read_json, write_json


@dataclass(frozen=True)
class Boxes:
    """First row and column of each slice's square in pixels of a view; it may reach outside the image."""

    method: str
    side_px: int
    pixel_mm2: float
    corners_px: tuple[tuple[int, int], ...]

    @property
    def area_mm2(self) -> float:
        """What one box covers."""
        return self.side_px**2 * self.pixel_mm2


def read_boxes(path: Path) -> Boxes:
    """Read a box file.

    Raises:
        Rejected: the file has zero bytes.
    """
    content = read_json(path)
    if content is None:
        raise Rejected(f"{path.name} is empty: the case was rejected earlier, its ledger says why")
    corners = tuple((int(top), int(left)) for top, left in content["corners_px"])
    return Boxes(content["method"], int(content["side_px"]), float(content["pixel_mm2"]), corners)


def write_boxes(path: Path, boxes: Boxes) -> None:
    """Write a box file."""
    write_json(path, asdict(boxes))


def crop(array_tzyx: NDArray[Any], boxes: Boxes) -> NDArray[Any]:
    """Every slice's box in every frame, as `(t, z, side, side)`; zero outside the image."""
    side = boxes.side_px
    padded = np.pad(array_tzyx, ((0, 0), (0, 0), (side, side), (side, side)))
    windows = []
    for z, (top, left) in enumerate(boxes.corners_px):
        row, column = (_within(start, n, side) for start, n in zip((top, left), array_tzyx.shape[2:], strict=True))
        windows.append(padded[:, z, row : row + side, column : column + side])
    return np.stack(windows, axis=1)


def _within(start: int, length: int, side: int) -> int:
    """The start in the padded image; a box entirely outside sees only padding."""
    return int(np.clip(start + side, 0, length + side))
