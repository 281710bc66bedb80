"""Fixtures of all tests: small images, case sheets and stages run as the rules run them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvpipe.__main__ import main
from lvpipe.files import write_table
from lvpipe.images import Image
from lvpipe.sheet import COLUMNS


@pytest.fixture
def lvpipe() -> Callable[..., int]:
    """Run `lvpipe STAGE ...` in this process; paths and numbers may be given as they are."""
    return lambda *words: main([str(word) for word in words])


@pytest.fixture
def image() -> Callable[..., Image]:
    """An image of these voxels on an axis-parallel grid."""

    def make(array_tzyx: np.ndarray, spacing_xyz_mm=(1.5, 1.5, 8.0), time_step_ms=40.0) -> Image:
        affine = np.diag([*spacing_xyz_mm, 1.0])
        affine[:3, 3] = [-30, 12, 5]
        return Image(np.asarray(array_tzyx), affine, time_step_ms)

    return make


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """A case sheet of these rows; what a row does not say is a fine training case of cohort `c`."""

    def write(*rows: dict[str, Any], name: str = "cases.csv") -> Path:
        usual = {**dict.fromkeys(COLUMNS), "cohort": "c", "split": "train", "fold": 0, "status": "ok"}
        path = tmp_path / name
        write_table(path, COLUMNS, [{**usual, "patient": row["case"], **row} for row in rows])
        return path

    return write
