"""Any DICOM export: nested folders, files of any name, several studies and series mixed, other files beside.

Each folder at the cohort's path is one case; the path itself is one where it holds images or a DICOMDIR. Which images
are the short-axis cine is decided by geometry and timing (lvpipe/exports/short_axis.py), never by a description.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from lvpipe.cases import Labels, SourceCase
from lvpipe.errors import UserError
from lvpipe.listing import walk
from lvpipe.private_names import pseudonym, read_key, remember
from lvpipe.source_sheet import LABELS, Layout, Row, by_name, read_rows
from lvpipe.study import Study

SHEETS = ("cases.csv",)
"""What is known of the cases, if anything is: a row for each folder."""

HEART_TILT_DEGREES = 40.0
"""How far a short-axis stack may be tilted against the usual axis of a heart (`geometry.BASEWARD`): hearts whose axis
points up to 60 degrees down or 10 up, seen from the front, and 20 to 65 degrees forward, seen from below, are within.
The sagittal plane is 42 degrees away, the coronal 58, the axial 65, and long-axis views of such hearts 50 or more."""

_LAYOUT = Layout(("folder",), ("case",), ("patient", "split", *LABELS.names), closed=True, personal=True)
"""Names of folders and patients may be personal, and the sheet is also read by a job, whose log is kept."""

_DIRECTORY = "DICOMDIR"
_IMAGE_ENDINGS = (".dcm", ".dicom", ".ima")
_OTHER_ENDINGS = (
    *(".csv", ".txt", ".md", ".json", ".xml", ".html", ".htm", ".ini", ".inf", ".log"),
    *(".pdf", ".doc", ".docx", ".xlsx", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".ico", ".avi", ".mp4"),
    *(".zip", ".exe", ".dll", ".bat", ".sh", ".py"),
)
"""Files that are no images, for a decision that opens none."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every folder at the path, or the path itself, by a name that does not tell the folder's.

    Raises:
        UserError: folders and images stand side by side, or the sheet is broken.
    """
    sources = _sources(root)
    if not sources:
        return []
    key = read_key()
    rows = _read_sheet(root, set(sources))
    cases = [_case(key, folder, source, rows.get(folder)) for folder, source in sources.items()]
    names = {case.name: folder for case, folder in zip(cases, sources, strict=True)}
    if len(names) < len(cases):
        raise UserError(f"{root}: two folders would get the same case name; expected different ones: rename one folder")
    patients = {pseudonym(key, name): name for row in rows.values() if (name := row.text("patient"))}
    remember({**patients, **names})
    return cases


def read_labels(root: Path) -> dict[str, Labels]:
    """What the sheet says, by case."""
    sources = _sources(root)
    rows = _read_sheet(root, set(sources))
    if not rows:
        return {}
    key = read_key()
    return {pseudonym(key, folder): row.labels() for folder, row in rows.items()}


def read_study(sources: Sequence[Path], heart_tilt_degrees: Annotated[float, (0, 90)] = HEART_TILT_DEGREES) -> Study:
    """The files of the short-axis cine, and what else there is."""
    from lvpipe.exports.short_axis import find_short_axis

    return find_short_axis(_files(sources), heart_tilt_degrees)


def _case(key: bytes, folder: str, source: str, row: Row | None) -> SourceCase:
    name = pseudonym(key, folder)
    patient = row.text("patient") if row else ""
    return SourceCase(name, pseudonym(key, patient) if patient else name, row.split() if row else "", (source,))


def _sources(root: Path) -> dict[str, str]:
    """Folder names in composed Unicode, as sheets have them, each with its path relative to the root."""
    entries = sorted((entry for entry in root.iterdir() if not entry.name.startswith(".")), key=lambda one: one.name)
    own = {_composed(root.absolute().name): "."}
    if any(entry.name.upper() == _DIRECTORY for entry in entries):
        return own
    folders = {_composed(entry.name): entry.name for entry in entries if entry.is_dir()}
    files = [entry for entry in entries if not entry.is_dir()]
    if not folders:
        return own if any(entry.suffix.lower() not in _OTHER_ENDINGS for entry in files) else {}
    loose = sum(entry.suffix.lower() in _IMAGE_ENDINGS for entry in files)
    if loose:
        raise UserError(
            f"{root}: {loose} image files beside {len(folders)} folders; expected a folder for each case, or one case: "
            f"move the files into a folder"
        )
    return folders


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _read_sheet(root: Path, folders: set[str]) -> dict[str, Row]:
    """Rows by folder, all of them checked: a mistake is told when the workflow is parsed, not after the last cine."""
    path = root / SHEETS[0]
    rows = by_name(read_rows(path, _LAYOUT), "folder", "case", key=_composed)
    for row in rows.values():
        row.split()
        row.labels()
    if rows and not folders & set(rows):
        raise UserError(
            f"{path}: none of its {len(rows)} folders is there; expected the names of the folders beside it"
        )
    return rows


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        yield from [source] if source.is_file() else (Path(entry.path) for entry in walk(source))
