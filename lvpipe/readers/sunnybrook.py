"""Sunnybrook Cardiac Data: `SCD_IMAGES/<PatientID>/CINESAX_<n>/` and contours in `SCD_ManualContours/<OriginalID>/`."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lvpipe.cases import OLDEST_YEARS, Labels, SourceCase
from lvpipe.errors import UserError
from lvpipe.files import reading
from lvpipe.study import ContourFile, ImageFile, Study

SHEETS = ("scd_patientdata.csv",)
"""Tables at the cohort's path: this one says whose contours are whose."""

_IMAGES = "SCD_IMAGES"
_CONTOURS = "SCD_ManualContours"
_IMAGE = re.compile(r"IM-(\d+)-(\d+)\.dcm$")
_CONTOUR = re.compile(r"IM-\d+-(\d+)-([io])contour-manual\.txt$")
_RUN = re.compile(r"CINESAX_(\d+)$")

_FIRST_PIXEL = 0.5
"""Contour coordinate of the first pixel's centre: pixel (0, 0) reaches from 0 to 1.

Measured on the 56 inner contours of three patients: the steepest edge of the images lies (-0.68, -0.47) pixels from
the contours, were pixel centres at integers, where 0 was expected of that convention and -0.5 of this one.
"""


def list_cases(root: Path) -> list[SourceCase]:
    """Every patient with an image folder; with contours where the sheet names them and they are there."""
    folders = root / _IMAGES
    if not folders.is_dir():
        return []
    drawn = _contour_folders(root)
    return [
        SourceCase(
            name=patient,
            patient=patient,
            split="",
            sources=(f"{_IMAGES}/{patient}", *drawn.get(patient, ())),
        )
        for patient in sorted(entry.name for entry in folders.iterdir() if entry.is_dir())
        if not patient.startswith(".")
    ]


def read_labels(root: Path) -> dict[str, Labels]:
    """Age and sex, which the images do not say; this source's reference volumes come from its contours."""
    return {(row["PatientID"] or "").strip(): _person(row) for row in _read_sheet(root / SHEETS[0])}


def read_study(sources: Sequence[Path]) -> Study:
    """The files of the cine, and of each contour the image that it was drawn on."""
    from lvpipe.decoders.dicom import read_frames

    runs = [run for source in sources for run in source.glob("CINESAX_*") if _RUN.match(run.name)]
    contours = [
        path
        for source in sources
        for path in sorted(source.glob("contours-manual/IRCCI-expert/*.txt"))
        if _CONTOUR.match(path.name)
    ]
    numbers = {int(match[1]) for path in contours if (match := _CONTOUR.match(path.name))}
    images = _chosen([image for run in sorted(runs, key=_series) for image in _images(run)], numbers)
    return Study(
        tuple(images),
        read_frames,
        tuple(_assigned(contours, images)),
        first_pixel=_FIRST_PIXEL,
        undrawn="background",
    )


def _contour_folders(root: Path) -> dict[str, tuple[str, ...]]:
    """Contour folders by PatientID, relative to root; SC-HF-I-1 and SC-HF-I-01 are one patient."""
    if not (root / _CONTOURS).is_dir():
        return {}
    there = {_canonical(entry.name): entry.name for entry in sorted((root / _CONTOURS).iterdir())}
    return {
        patient: (f"{_CONTOURS}/{there[_canonical(original)]}",)
        for row in _read_sheet(root / SHEETS[0])
        for patient, original in [[(row[column] or "").strip() for column in ("PatientID", "OriginalID")]]
        if _canonical(original) in there
    }


def _person(row: dict[str, str]) -> Labels:
    age, sex = (row.get("Age") or "").strip(), (row.get("Gender") or "").strip()[:1].upper()
    years = min(float(age), OLDEST_YEARS) if age.isdecimal() else None
    return Labels(age_years=years, sex=sex if sex in ("F", "M") else "")


def _read_sheet(sheet: Path) -> list[dict[str, str]]:
    if not sheet.exists():
        return []
    with reading(sheet), sheet.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        missing = {"PatientID", "OriginalID"} - set(rows.fieldnames or ())
        if missing:
            raise UserError(f"{sheet}: no column {', '.join(sorted(missing))}; expected PatientID,OriginalID,...")
        return list(rows)


def _canonical(original: str) -> str:
    return re.sub(r"\d+$", lambda digits: str(int(digits[0])), original)


def _series(run: Path) -> int:
    return int(run.name.removeprefix("CINESAX_"))


def _images(run: Path) -> list[ImageFile]:
    found = ((path, _IMAGE.match(path.name)) for path in sorted(run.iterdir()))
    return [ImageFile(path, run.name, (_series(run),), int(match[2])) for path, match in found if match]


def _chosen(images: list[ImageFile], drawn: set[int]) -> list[ImageFile]:
    """Where folders have images of the same number, the expert's choice: the folder with most of those drawn on."""
    if not drawn or len({image.number for image in images}) == len(images):
        return images
    held = Counter(image.path.parent for image in images if image.number in drawn)
    if not held:
        return images
    folder = max(held, key=lambda run: (held[run], _series(run)))
    return [image for image in images if image.path.parent == folder]


def _assigned(contours: list[Path], images: list[ImageFile]) -> list[ContourFile]:
    """Contours name the number of their image; one whose image is not there keeps a path that leads nowhere."""
    there = {image.number: image.path for image in images}
    found = ((path, _CONTOUR.match(path.name)) for path in contours)
    return [
        ContourFile(path, there.get(int(match[1]), path.with_suffix(".dcm")), _border(match[2]))
        for path, match in found
        if match
    ]


def _border(letter: str) -> Literal["inner", "outer"]:
    return "inner" if letter == "i" else "outer"
