"""Sunnybrook Cardiac Data, as the Cardiac Atlas Project releases it and as the challenge of 2009 handed it out.

Release: `SCD_IMAGES/<PatientID>/CINESAX_<n>/` (or `SCD_IMAGES_01/` to `_05/`), `SCD_ManualContours/<OriginalID>/`.
Challenge: `challenge_<set>/<OriginalID>/` with all series in one folder, `.../<Set>DataContours/<OriginalID>/`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lvpipe.cases import Labels, SourceCase, canonical_patient
from lvpipe.source_sheet import LabelColumns, Layout, Row, by_name, read_rows
from lvpipe.study import ContourFile, ImageFile, Study

SHEETS = ("scd_patientdata.csv",)
"""Tables at the cohort's path: this one says whose contours are whose."""

_LAYOUT = Layout(("PatientID", "OriginalID"))
_PERSON = LabelColumns(edv_ml=(), esv_ml=(), age_years="Age", sex="Gender")

_RELEASED = ("SCD_IMAGES", *(f"SCD_IMAGES_{part:02d}" for part in range(1, 6)))
"""Folders of patients by PatientID: the five archives of the release, unpacked into one folder or each into its own."""

_CHALLENGE = "challenge_*"
"""Folders of patients by OriginalID."""

_CONTOURS = ("SCD_ManualContours", "*/*DataContours", "*DataContours")

_CINE_SERIES = {
    "SC-HF-I": {1: 4, 2: 106, 4: 116, 5: 156, 6: 180, 7: 209, 8: 226, 9: 241, 10: 24, 11: 43, 12: 62, 40: 134},
    "SC-HF-NI": {
        3: 379,
        4: 501,
        7: 523,
        11: 270,
        12: 286,
        13: 304,
        14: 331,
        15: 359,
        31: 401,
        33: 424,
        34: 446,
        36: 474,
    },
    "SC-HYP": {1: 550, 3: 650, 6: 767, 7: 7, 8: 796, 9: 3, 10: 579, 11: 601, 12: 629, 37: 702, 38: 734, 40: 755},
    "SC-N": {2: 898, 3: 915, 5: 963, 6: 981, 7: 1009, 9: 1031, 10: 851, 11: 878, 40: 944},
}
"""Which series of the challenge's folders is the short-axis cine that the contours were drawn on.

Found by the challenge's participants (it stands in the public code of the first and third of the Kaggle challenge):
contours name the number of their image alone, and several series of a patient have images of that number.
"""
_IMAGE = re.compile(r"IM-(\d+)-(\d+)\.dcm$")
_CONTOUR = re.compile(r"IM-\d+-(\d+)-([io])contour-manual\.txt$")
_RUN = re.compile(r"CINESAX_(\d+)$")

_FIRST_PIXEL = 0.5
"""Contour coordinate of the first pixel's centre: pixel (0, 0) reaches from 0 to 1.

Measured on the 56 inner contours of three patients: the steepest edge of the images lies (-0.68, -0.47) pixels from
the contours, were pixel centres at integers, where 0 was expected of that convention and -0.5 of this one.
"""


def list_cases(root: Path) -> list[SourceCase]:
    """Every patient with an image folder; with contours where these are there, and the sheet names them.

    Patients go by their canonical OriginalID: the contours, and what others made of this source, name that alone.
    """
    read_labels(root)  # a mistake is told when the workflow is parsed, not after the last cine
    drawn, originals = _contour_folders(root), _originals(root)
    return [
        SourceCase(
            name=folder.name,
            patient=patient,
            split="",
            sources=(_within(root, folder), *drawn.get(patient, ())),
        )
        for folder in _patient_folders(root)
        for patient in [originals.get(folder.name) or canonical_patient(folder.name)]
    ]


def read_labels(root: Path) -> dict[str, Labels]:
    """Age and sex, which the images do not say; this source's reference volumes come from its contours."""
    rows = _rows(root)
    found = {name: row.labels(_PERSON) for name, row in rows.items()}
    originals = {_original(row): found[name] for name, row in rows.items()}
    challenge = {folder.name: originals.get(canonical_patient(folder.name)) for folder in _patient_folders(root)}
    return found | {name: person for name, person in challenge.items() if person is not None}


def read_study(sources: Sequence[Path]) -> Study:
    """The files of the cine, and of each contour the image that it was drawn on."""
    from lvpipe.decoders.dicom.frames import read_frames

    runs = [run for source in sources for run in _runs(source)]
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


def _patient_folders(root: Path) -> list[Path]:
    """Image folders by name; a patient who is there twice stands once, as in the release."""
    places = [*(root / name for name in _RELEASED), *sorted(root.glob(_CHALLENGE))]
    folders = [entry for place in places if place.is_dir() for entry in place.iterdir() if entry.is_dir()]
    named = {folder.name: folder for folder in reversed(folders) if not folder.name.startswith(".")}
    return [named[name] for name in sorted(named)]


def _originals(root: Path) -> dict[str, str]:
    """The canonical OriginalID of each PatientID."""
    return {name: _original(row) for name, row in _rows(root).items()}


def _contour_folders(root: Path) -> dict[str, tuple[str, ...]]:
    """Contour folders by canonical OriginalID, relative to root: SC-HF-I-1 and SC-HF-I-01 are one patient."""
    places = [place for pattern in _CONTOURS for place in sorted(root.glob(pattern)) if place.is_dir()]
    return {
        canonical_patient(entry.name): (_within(root, entry),)
        for place in reversed(places)
        for entry in sorted(place.iterdir())
        if entry.is_dir()
    }


def _within(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()


def _rows(root: Path) -> dict[str, Row]:
    return by_name(read_rows(root / SHEETS[0], _LAYOUT), "PatientID")


def _original(row: Row) -> str:
    return canonical_patient(row.text("OriginalID"))


def _runs(source: Path) -> list[Path]:
    """The folders of a patient that hold the cine: those of the release, or the challenge's one of all series."""
    runs = [run for run in source.glob("CINESAX_*") if _RUN.match(run.name)]
    return runs or ([source] if _cine_series(source) is not None else [])


def _series(run: Path) -> int:
    return int(run.name.removeprefix("CINESAX_")) if _RUN.match(run.name) else 0


def _cine_series(patient: Path) -> int | None:
    """The number of the cine among the series of a folder of the challenge."""
    group, _, number = canonical_patient(patient.name).rpartition("-")
    return _CINE_SERIES.get(group, {}).get(int(number)) if number.isdecimal() else None


def _images(run: Path) -> list[ImageFile]:
    """The images of a folder; of a folder of the challenge those of its cine's series."""
    found = ((path, _IMAGE.match(path.name)) for path in sorted(run.iterdir()))
    wanted = None if _RUN.match(run.name) else _cine_series(run)
    return [
        ImageFile(path, run.name, (_series(run),), int(match[2]))
        for path, match in found
        if match and wanted in (None, int(match[1]))
    ]


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
