"""What experts drew on a cine, as polygons or rasters: its labels, areas and volumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lvpipe.cine.contours import covered
from lvpipe.geometry import Floats
from lvpipe.labels import BACKGROUND, CAVITY, MYOCARDIUM, NOT_ANNOTATED


@dataclass(frozen=True, eq=False)
class Drawing:
    """What was drawn on one image of the cine: borders in its pixels, centres at whole numbers."""

    frame: int
    slice: int
    border: Literal["inner", "outer"]
    points_xy: Floats
    area_mm2: float


@dataclass(frozen=True, eq=False)
class Raster:
    """Labels of one image of the cine, on its pixels; `area_mm2` is the cavity's, counted where it was drawn."""

    frame: int
    slice: int
    labels_yx: NDArray[Any]
    area_mm2: float


def reference_labels(
    drawings: Sequence[Drawing],
    rasters: Sequence[Raster],
    shape_tzyx: tuple[int, int, int, int],
    undrawn_slices: Literal["background", "unknown"],
) -> NDArray[np.uint8]:
    """Labels of all that was drawn; frames without an inner border or a raster are not annotated."""
    reference_tzyx = np.full(shape_tzyx, NOT_ANNOTATED, dtype=np.uint8)
    inner = {(one.frame, one.slice): one for one in drawings if one.border == "inner"}
    outer = {(one.frame, one.slice): one for one in drawings if one.border == "outer"}
    if undrawn_slices == "background":
        reference_tzyx[sorted({frame for frame, _ in inner} | {one.frame for one in rasters})] = BACKGROUND
    for (frame, index), one in inner.items():
        image_yx = np.full(shape_tzyx[2:], BACKGROUND, dtype=np.uint8)
        if (frame, index) in outer:
            image_yx[covered(outer[frame, index].points_xy, shape_tzyx[2:])] = MYOCARDIUM
        image_yx[covered(one.points_xy, shape_tzyx[2:])] = CAVITY
        reference_tzyx[frame, index] = image_yx
    for raster in rasters:
        reference_tzyx[raster.frame, raster.slice] = raster.labels_yx
    return reference_tzyx


def reference_volumes(
    drawings: Sequence[Drawing], rasters: Sequence[Raster], slice_spacing_mm: float
) -> dict[str, object] | None:
    """ED and ES, the drawn frames with most and least cavity in them; None where nothing was drawn."""
    areas_mm2: dict[int, float] = {}
    cavities: list[Drawing | Raster] = [drawing for drawing in drawings if drawing.border == "inner"]
    for one in cavities + list(rasters):
        areas_mm2[one.frame] = areas_mm2.get(one.frame, 0.0) + one.area_mm2
    if not areas_mm2:
        return None
    ed, es = max(areas_mm2, key=areas_mm2.__getitem__), min(areas_mm2, key=areas_mm2.__getitem__)
    volumes_ml = {frame: round(area * slice_spacing_mm / 1000, 3) for frame, area in areas_mm2.items()}
    muscle = {one.frame for one in drawings if one.border == "outer"}
    muscle |= {one.frame for one in rasters if (one.labels_yx == MYOCARDIUM).any()}
    return {
        "edv_ml": volumes_ml[ed],
        "esv_ml": volumes_ml[es] if len(areas_mm2) > 1 else None,
        "ed_frame": ed,
        "es_frame": es if len(areas_mm2) > 1 else None,
        "myocardium_frames": sorted(muscle),
        "rule": "area inside the inner contours or of the cavity's pixels x median slice distance, summed over slices",
    }
