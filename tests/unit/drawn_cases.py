"""Cases with a beating heart drawn at end-diastole, as a view's folder has them, and how a part is taught by them."""

from pathlib import Path

import numpy as np
from hearts import as_bytes, heart

from lvpipe.config.detect import ProposalSettings
from lvpipe.config.loop import LoopSettings
from lvpipe.images import Image, write_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED

SHAPE, PIXEL_MM, RADIUS_MM, SLICES = (75, 85), 2.0, 20.0, 3
DRAWN = 1
"""The slice in which the heart is drawn."""


def place(number: int) -> np.ndarray:
    """Where a case's heart is, in pixels."""
    return np.array([26, 32]) + np.random.default_rng(number).uniform(0, 22, 2)


def cine(number: int) -> np.ndarray:
    """The same in all slices."""
    return as_bytes(heart(place(number), RADIUS_MM, SHAPE, pixel_mm=PIXEL_MM)[:, None].repeat(SLICES, axis=1))


def write_cases(folder: Path, numbers: range) -> None:
    """The case `c0` and so on: its cine and its reference."""
    y, x = np.indices(SHAPE)
    for number in numbers:
        row, column = place(number)
        labels = np.full((8, SLICES, *SHAPE), NOT_ANNOTATED, np.uint8)
        labels[0, DRAWN] = CAVITY * (np.hypot(y - row, x - column) * PIXEL_MM < RADIUS_MM)
        affine = np.diag([PIXEL_MM, PIXEL_MM, 8, 1])
        write_image(folder / f"c{number}_cine.nii.gz", Image(cine(number), affine))
        write_image(folder / f"c{number}_reference.nii.gz", Image(labels, affine))


def words(part: str, folder: Path, learn: list[str], watch: list[str], settings: LoopSettings, **other) -> list[str]:
    """The command that teaches a part; `out` names its files, the part does where nothing is said."""
    out = folder / other.get("out", part)
    asked = ("--cines", folder, "--learn", *learn, "--watch", *watch, "--margin", 1.2, "--code", other.get("code", "x"))
    outputs = ("--model", f"{out}.safetensors", "--history", f"{out}.csv", "--spool", folder / "kept")
    proposals = ("--cascade", folder / "cascade.xml", "--proposals", ProposalSettings().canonical())
    given = proposals if part == "classifier" else ()
    return [str(word) for word in ("detect", part, *asked, *outputs, *given, "--settings", settings.canonical())]
