"""Writing a case as its source would have exported it: folders, DICOM files, contours and sheets."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.files import replacing_folder, write_json, write_table, write_text
from lvpipe.phantom.case import build_case, list_volumes, volumes_of
from lvpipe.phantom.headers import Writer
from lvpipe.phantom.names import SHEET_OF_SUNNYBROOK, VOLUMES_OF_CASE, list_cases, original_id
from lvpipe.phantom.population import draw_person, make_generator

if TYPE_CHECKING:
    from lvpipe.config.phantom import PhantomOrder
    from lvpipe.phantom.case import PhantomCase
    from lvpipe.phantom.stack import Acquisition

SUNNYBROOK_SERIES = 300
"""The cine series' number in the public release's folder names, CINESAX_300."""


FIRST_PIXEL = 0.5
"""Coordinate of the first pixel's centre in contour files: edges of the real images lie there, not at integers."""


def write_case(cohort: str, case: str, order: "PhantomOrder", root: Path) -> "PhantomCase":
    """Write one case's folders below `root`, each whole or not at all; return the case for those who want its answers.

    The folders appear together, at the end: half a study would pass for one with missing slices.
    """
    built = build_case(cohort, case, order)
    write = _write_kaggle if order.cohort.layout == "kaggle" else _write_sunnybrook
    with ExitStack() as unfinished:
        write(built, [unfinished.enter_context(replacing_folder(root / source)) for source in built.source.sources])
    return built


def write_sheets(cohort: str, order: "PhantomOrder", root: Path) -> None:
    """Write the cohort's CSV files."""
    if order.cohort.layout == "kaggle":
        _write_volumes(cohort, order, root)
    else:
        _write_patients(cohort, order, root)


def _write_kaggle(case: "PhantomCase", folders: list[Path]) -> None:
    folder = folders[0] / "study"
    for taken in case.acquisitions:
        first = taken.first_number
        names = [f"IM-{taken.series:05d}-{number:04d}.dcm" for number in range(first, first + len(taken.frames))]
        _write_frames(case, taken, [folder / taken.folder / name for name in names], first)
    edv_ml, esv_ml = _stated_ml(volumes_of(case.heart))
    write_json(folders[0] / VOLUMES_OF_CASE, {"edv_ml": edv_ml, "esv_ml": esv_ml})


def _write_sunnybrook(case: "PhantomCase", folders: list[Path]) -> None:
    images, contours = folders
    frames = len(case.heart.volumes_ml)
    for number, taken in enumerate(case.slices):
        first = number * frames + 1
        names = [f"IM-0001-{first + frame:04d}" for frame in range(frames)]
        folder = images / f"CINESAX_{SUNNYBROOK_SERIES}"
        _write_frames(case, taken, [folder / f"{name}.dcm" for name in names], first)
        _write_contours(case, taken, contours / "contours-manual" / "IRCCI-expert", names)


def _write_frames(case: "PhantomCase", taken: "Acquisition", paths: list[Path], first_instance: int) -> None:
    """Write one file per frame."""
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    location = float(taken.plane.centre_mm @ taken.plane.normal)
    writer = Writer(case, taken, location)
    for index, (path, pixels) in enumerate(zip(paths, case.image(taken), strict=True)):
        writer.write(path, index, first_instance + index, pixels)


def _write_contours(case: "PhantomCase", taken: "Acquisition", folder: Path, names: list[str]) -> None:
    """Write the inner contour at ED and ES, the outer one at ED, as the experts of the release did."""
    for kind, outer, frames in (
        ("icontour", False, (case.heart.ed_frame, case.heart.es_frame)),
        ("ocontour", True, (case.heart.ed_frame,)),
    ):
        for frame in frames:
            points = case.contour(taken, frame, outer)
            if len(points):
                write_text(folder / f"{names[frame]}-{kind}-manual.txt", _contour_text(points))


def _contour_text(points: "np.typing.NDArray[np.float64]") -> str:
    """Two decimals, a space between, one point a line, as in the release; every other degree is dense enough."""
    return "".join(f"{x + FIRST_PIXEL:.2f} {y + FIRST_PIXEL:.2f}\n" for x, y in points[::2])


def _write_volumes(cohort: str, order: "PhantomOrder", root: Path) -> None:
    rows: dict[str, list[dict[str, object]]] = {}
    for case in list_cases(cohort, order.cohort):
        edv_ml, esv_ml = _stated_ml(list_volumes(cohort, order, case.name))
        row = {"Id": case.name, "Systole": esv_ml, "Diastole": edv_ml}
        rows.setdefault(case.split, []).append(row)
    for split, lines in rows.items():
        write_table(root / f"{split}.csv", ("Id", "Systole", "Diastole"), lines)


def _stated_ml(volumes_ml: tuple[float, float]) -> tuple[float, float]:
    """EDV and ESV, as precise as the challenge states them."""
    edv_ml, esv_ml = volumes_ml
    return round(edv_ml, 1), round(esv_ml, 1)


def _write_patients(cohort: str, order: "PhantomOrder", root: Path) -> None:
    rows = []
    for case in list_cases(cohort, order.cohort):
        person = draw_person(order.cohort.populations, make_generator(order.seed, cohort, case.name, "person"))
        rows.append(
            {
                "PatientID": case.name,
                "OriginalID": original_id(case.name),
                "Gender": {"F": "Female", "M": "Male"}[person.sex],
                "Age": person.age_years,
                "Pathology": person.pathology,
            }
        )
    write_table(root / SHEET_OF_SUNNYBROOK, ("PatientID", "OriginalID", "Gender", "Age", "Pathology"), rows)
