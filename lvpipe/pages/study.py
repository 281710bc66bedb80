"""The files of one case, each read once: its images, its curves and its areas."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import Boxes
from lvpipe.files import read_table
from lvpipe.grids import grid_of, grid_within
from lvpipe.images import Image, is_rejected, read_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.pages.run import Outcome, Run


@dataclass(frozen=True)
class Study:
    """One case with all that its models made of it.

    A model whose mask was rejected, or that does not draw, is missing from `masks`; one that tells volumes at once has
    neither areas nor a curve.
    """

    case: str
    outcomes: Sequence[Outcome]
    ledger: Mapping[str, Any]
    cine_tzyx: NDArray[Any]
    spacing_yx_mm: tuple[float, float]
    reference_tzyx: NDArray[np.uint8] | None
    masks: Mapping[str, NDArray[np.uint8]]
    areas_cm2: Mapping[str, NDArray[np.float64]]
    curves: Mapping[str, tuple[list[float], list[float]]]
    boxes: Mapping[str, NDArray[np.float64]]
    """By view each slice's box in pixels of the cine: row and column of its middle, rows and columns that it covers."""

    across: ClassVar[str] = "time (ms)"
    """What the curves run over."""

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
    models = [outcome.model for outcome in outcomes]
    folders = {model: run.root / "integrate" / model for model in models if model in run.measuring}
    files = {
        model: run.root / "postprocess" / model / f"{case}_mask.nii.gz" for model in models if model in run.drawing
    }
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
        boxes={
            view.name: _on_pixels(view.boxes[case], run.root / "resample" / view.name / f"{case}_cine.nii.gz", cine)
            for view in run.views
            if case in view.boxes
        },
    )


def _on_pixels(boxes: Boxes, view: Path, cine: Image) -> NDArray[np.float64]:
    """Boxes of a view, whose pixels are squares, in pixels of the cine."""
    grid, own_mm = grid_within(read_image(view), cine), grid_of(cine).spacing_yx_mm
    ratio = np.divide(grid.spacing_yx_mm, own_mm)
    middles = boxes.array[:, :2] * ratio + np.divide(grid.origin_yx_mm, own_mm)
    return np.hstack([middles, boxes.array[:, 2:] * ratio])


@dataclass(frozen=True)
class GivenStudy:
    """One case that another tool estimated: what its models have of it, and no image."""

    case: str
    outcomes: Sequence[Outcome]
    positions_mm: Mapping[str, Mapping[int, list[tuple[float, float]]]]
    """By model and frame, of each slice its position and its area in cm2."""

    curves: Mapping[str, tuple[list[float], list[float]]]
    across: ClassVar[str] = "frame"
    """What the curves run over: tables have no times."""


def read_given(run: Run) -> dict[str, GivenStudy]:
    """Every case with charts whose cohort brought its estimates; each table is read once."""
    wanted = {case for case in run.shown if run.is_given(case)}
    profiles: dict[str, dict[str, dict[int, list[tuple[float, float]]]]] = defaultdict(dict)
    curves: dict[str, dict[str, tuple[list[float], list[float]]]] = defaultdict(dict)
    for model in run.models:
        for cohort in run.given:
            folder = run.root / "integrate" / model
            if (folder / f"{cohort}_areas.csv").exists():
                for case, profile in _profiles(folder / f"{cohort}_areas.csv", wanted, run, model).items():
                    profiles[case][model] = profile
                for case, rows in _by_case(folder / f"{cohort}_curves.csv", wanted).items():
                    curves[case][model] = _points(rows, "frame")
    return {case: GivenStudy(case, run.by_case[case], profiles[case], curves[case]) for case in wanted}


def _profiles(
    path: Path, wanted: Collection[str], run: Run, model: str
) -> dict[str, dict[int, list[tuple[float, float]]]]:
    """Areas along the stack in the frames that a model calls ED and ES."""
    frames = {one.case: set(one.frames.values()) for one in run.outcomes if one.model == model}
    profiles: dict[str, dict[int, list[tuple[float, float]]]] = {}
    for case, rows in _by_case(path, wanted).items():
        profile = profiles.setdefault(case, {})
        for row in rows:
            if int(row["frame"]) in frames[case]:
                place = float(row["position_mm"]), float(row["cavity_mm2"]) / 100
                profile.setdefault(int(row["frame"]), []).append(place)
    return profiles


def _by_case(path: Path, wanted: Collection[str]) -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {}
    for row in read_table(path):
        if row["case"] in wanted:
            rows.setdefault(row["case"], []).append(row)
    return rows


def _areas(path: Path, shape_tzyx: Sequence[int]) -> NDArray[np.float64]:
    """Areas in cm2, `(frames, slices)`; NaN where the table says nothing."""
    areas = np.full(shape_tzyx[:2], np.nan)
    for row in read_table(path):
        if row["cavity_mm2"]:
            areas[int(row["frame"]), int(row["slice"])] = float(row["cavity_mm2"]) / 100
    return areas


def _curve(path: Path) -> tuple[list[float], list[float]]:
    return _points(read_table(path), "time_ms")


def _points(table: Sequence[Mapping[str, str]], column: str) -> tuple[list[float], list[float]]:
    rows = [row for row in table if row["cavity_ml"]]
    return [float(row[column]) for row in rows], [float(row["cavity_ml"]) for row in rows]
