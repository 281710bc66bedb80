"""Any DICOM export: nested folders, files of any name, several studies and series mixed, other files beside.

Each folder at the cohort's path is one case; the path itself is one where it holds images or a DICOMDIR. Which images
are the short-axis cine is decided by geometry and timing (lvpipe/exports/short_axis.py), never by a description.
"""

import csv
import math
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from lvpipe.cases import OLDEST_YEARS, SPLITS, Labels, SourceCase
from lvpipe.errors import UserError
from lvpipe.files import reading
from lvpipe.listing import walk
from lvpipe.private_names import pseudonym, read_key, remember
from lvpipe.study import Study

SHEETS = ("cases.csv",)
"""What is known of the cases, if anything is: a row for each folder."""

HEART_TILT_DEGREES = 40.0
"""How far a short-axis stack may be tilted against the usual axis of a heart (`geometry.BASEWARD`): hearts whose axis
points up to 60 degrees down or 10 up, seen from the front, and 20 to 65 degrees forward, seen from below, are within.
The sagittal plane is 42 degrees away, the coronal 58, the axial 65, and long-axis views of such hearts 50 or more."""

_COLUMNS = ("folder", "patient", "split", "edv_ml", "esv_ml", "age_years", "sex")
_DIRECTORY = "DICOMDIR"
_IMAGE_ENDINGS = (".dcm", ".dicom", ".ima")
_OTHER_ENDINGS = (
    *(
        ".csv",
        ".txt",
        ".md",
        ".json",
        ".xml",
        ".html",
        ".htm",
        ".pdf",
        ".doc",
        ".docx",
        ".xlsx",
        ".ini",
        ".inf",
        ".log",
    ),
    *(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".ico", ".avi", ".mp4", ".zip", ".exe", ".dll", ".bat", ".sh", ".py"),
)
"""Files that are no images, for a decision that opens none."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every folder at the path, or the path itself, by a name that does not tell the folder's.

    Raises:
        UserError: folders and images stand side by side; a name cannot be used; or the sheet is broken.
    """
    sources = _sources(root)
    if not sources:
        return []
    key = read_key()
    rows = _read_sheet(root, set(sources))
    cases = [_case(key, folder, source, rows.get(folder, {})) for folder, source in sources.items()]
    names = {case.name: folder for case, folder in zip(cases, sources, strict=True)}
    if len(names) < len(cases):
        raise UserError(f"{root}: two folders would get the same case name; expected different ones: rename one folder")
    patients = {pseudonym(key, row["patient"]): row["patient"] for row in rows.values() if row["patient"]}
    remember({**patients, **names})
    return cases


def read_labels(root: Path) -> dict[str, Labels]:
    """What the sheet says, by case."""
    sources = _sources(root)
    rows = _read_sheet(root, set(sources))
    if not rows:
        return {}
    key = read_key()
    return {pseudonym(key, folder): _labels(row) for folder, row in rows.items()}


def read_study(sources: Sequence[Path], heart_tilt_degrees: Annotated[float, (0, 90)] = HEART_TILT_DEGREES) -> Study:
    """The files of the short-axis cine, and what else there is."""
    from lvpipe.exports.short_axis import find_short_axis

    return find_short_axis(_files(sources), heart_tilt_degrees)


def _case(key: bytes, folder: str, source: str, row: dict[str, str]) -> SourceCase:
    name = pseudonym(key, folder)
    patient = row.get("patient", "")
    return SourceCase(name, pseudonym(key, patient) if patient else name, row.get("split", ""), (source,))


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
    for folder in folders.values():
        if set(folder) & set("{}") or not folder.isprintable():
            raise UserError(
                f"{root}: the name of the folder {folder!r} has a brace, or a character that is not text, which "
                f"Snakemake cannot take; rename it"
            )
    return folders


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _read_sheet(root: Path, folders: set[str]) -> dict[str, dict[str, str]]:
    """Rows by folder. No message quotes a cell: this is also read by a job, whose log is kept."""
    path = root / SHEETS[0]
    if not path.is_file():
        return {}
    with reading(path), path.open(newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        header = [column.strip() for column in table.fieldnames or ()]
        table.fieldnames = header
        if "folder" not in header or set(header) - set(_COLUMNS):
            raise UserError(
                f"{path}: its columns are not known; expected `folder` and any of {', '.join(_COLUMNS[1:])}"
            )
        rows = [_row(path, table.line_num, row) for row in table]
    found = {row["folder"]: row for row in rows}
    if len(found) < len(rows):
        raise UserError(f"{path}: a folder stands in two rows; expected each once")
    if rows and not folders & set(found):
        raise UserError(
            f"{path}: none of its {len(rows)} folders is there; expected the names of the folders beside it"
        )
    return found


def _row(path: Path, line: int, cells: dict[str, str | None]) -> dict[str, str]:
    """One row, stripped and checked."""
    if None in cells:
        raise UserError(f"{path}, line {line}: more cells than columns; expected one for each column")
    row = {column: (cells.get(column) or "").strip() for column in _COLUMNS}
    row["folder"] = _composed(row["folder"])
    row["sex"] = row["sex"].upper()
    if not row["folder"]:
        raise UserError(f"{path}, line {line}: no folder; expected the name of a folder beside the sheet")
    if row["split"] not in ("", *SPLITS):
        raise UserError(f"{path}, line {line}: split is none of {', '.join(SPLITS)}; mend the cell or leave it blank")
    if row["sex"] not in ("", "F", "M"):
        raise UserError(f"{path}, line {line}: sex is neither F nor M; mend the cell or leave it blank")
    for column in ("edv_ml", "esv_ml", "age_years"):
        _number(path, line, row, column)
    return row


def _number(path: Path, line: int, row: dict[str, str], column: str) -> None:
    try:
        good = not row[column] or 0 <= float(row[column]) < math.inf
    except ValueError:
        good = False
    if not good:
        raise UserError(f"{path}, line {line}: {column} is no number of at least 0; mend the cell or leave it blank")


def _labels(row: dict[str, str]) -> Labels:
    edv, esv, age = (float(row[column]) if row[column] else None for column in ("edv_ml", "esv_ml", "age_years"))
    return Labels(edv, esv, None if age is None else min(age, OLDEST_YEARS), row["sex"])


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        yield from [source] if source.is_file() else (Path(entry.path) for entry in walk(source))
