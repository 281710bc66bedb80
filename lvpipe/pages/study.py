"""The files of one case, each read once: its images, its curves and its areas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.files import read_table
from lvpipe.images import is_rejected, read_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.pages.run import Outcome, Run


@dataclass(frozen=True)
class Study:
    """One case with all that its models made of it; a model whose mask was rejected is missing from `masks`."""

    case: str
    outcomes: Sequence[Outcome]
    ledger: Mapping[str, Any]
    cine_tzyx: NDArray[Any]
    spacing_yx_mm: tuple[float, float]
    reference_tzyx: NDArray[np.uint8] | None
    masks: Mapping[str, NDArray[np.uint8]]
    areas_cm2: Mapping[str, NDArray[np.float64]]
    curves: Mapping[str, tuple[list[float], list[float]]]

    def position_mm(self, z: int) -> float:
        """Where a slice lies along the stack."""
        positions = self.ledger.get("positions_mm") or []
        return float(positions[z]) if z < len(positions) else float("nan")

    def drawn(self, frame: int, z: int) -> bool:
        """Whether an expert drew this slice of this frame."""
        return self.reference_tzyx is not None and bool((self.reference_tzyx[frame, z] != NOT_ANNOTATED).any())

    def reference_areas_cm2(self, frame: int) -> NDArray[np.float64]:
        """The drawn cavity areas of a frame; NaN where nobody drew."""
        slices = self.cine_tzyx.shape[1]
        pixel_cm2 = self.spacing_yx_mm[0] * self.spacing_yx_mm[1] / 100
        if self.reference_tzyx is None:
            return np.full(slices, np.nan)
        areas = (self.reference_tzyx[frame] == CAVITY).sum(axis=(1, 2)) * pixel_cm2
        return np.array([area if self.drawn(frame, z) else np.nan for z, area in enumerate(areas)])

    def moments(self) -> dict[tuple[str, int], list[str]]:
        """The frames to show, ED before ES, each with those who chose it: models, and the expert."""
        chosen: dict[tuple[str, int], list[str]] = {}
        expert = self.ledger.get("reference") or {}
        for word in ("ED", "ES"):
            votes = [(outcome.frames.get(word), outcome.model) for outcome in self.outcomes]
            votes.append((expert.get(f"{word.lower()}_frame"), "expert"))
            for frame, who in votes:
                if frame is not None and 0 <= frame < len(self.cine_tzyx):
                    chosen.setdefault((word, frame), []).append(who)
        return chosen


def read_study(run: Run, case: str) -> Study:
    """Read a case that has a cine."""
    convert, outcomes = run.root / "convert", run.by_case[case]
    cine = read_image(convert / f"{case}_cine.nii.gz")
    reference = convert / f"{case}_reference.nii.gz"
    there = case in run.drawn and not is_rejected(reference)
    folders = {outcome.model: run.root / "integrate" / outcome.model for outcome in outcomes}
    files = {model: run.root / "postprocess" / model / f"{case}_mask.nii.gz" for model in folders}
    return Study(
        case=case,
        outcomes=outcomes,
        ledger=run.ledger(case),
        cine_tzyx=cine.array_tzyx,
        spacing_yx_mm=(cine.spacing_xyz_mm[1], cine.spacing_xyz_mm[0]),
        reference_tzyx=read_image(reference).array_tzyx if there else None,
        masks={model: read_image(file).array_tzyx for model, file in files.items() if not is_rejected(file)},
        areas_cm2={
            model: _areas(folder / f"{case}_areas.csv", cine.array_tzyx.shape) for model, folder in folders.items()
        },
        curves={model: _curve(folder / f"{case}_volumes.csv") for model, folder in folders.items()},
    )


def _areas(path: Path, shape_tzyx: Sequence[int]) -> NDArray[np.float64]:
    """Areas in cm2, `(frames, slices)`; NaN where the table says nothing."""
    areas = np.full(shape_tzyx[:2], np.nan)
    for row in read_table(path):
        if row["cavity_mm2"]:
            areas[int(row["frame"]), int(row["slice"])] = float(row["cavity_mm2"]) / 100
    return areas


def _curve(path: Path) -> tuple[list[float], list[float]]:
    rows = [row for row in read_table(path) if row["cavity_ml"]]
    return [float(row["time_ms"]) for row in rows], [float(row["cavity_ml"]) for row in rows]
