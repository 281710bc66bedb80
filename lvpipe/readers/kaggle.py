"""Data Science Bowl 2: `<split>/<study>/study/sax_<k>/IM-<series>-<frame>[-<version>].dcm`, volumes in CSV sheets.

The archives unpack to `train/train/1` where each was given a folder of its own; both are understood.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from lvpipe.cases import SPLITS, Labels, SourceCase
from lvpipe.errors import UserError
from lvpipe.files import reading
from lvpipe.study import ImageFile, Study

SHEETS = ("train.csv", "validate.csv", "test.csv", "solution.csv")
"""Tables that `read_labels` reads, relative to the cohort's path; each may be missing.

Either `Id,Systole,Diastole`, or a row for each volume as in submissions: `Id,Volume` with an Id such as 701_Systole.
"""

_IMAGE = re.compile(r"IM-(\d+)-(\d+)(?:-(\d+))?\.dcm$")
_RUN = re.compile(r"sax_(\d+)$")
"""Short-axis folders; `2ch_*` and `4ch_*` beside them are long-axis views."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every numbered study folder of the three splits, in the order of the numbers."""
    return [
        SourceCase(study.name, study.name, split, (study.relative_to(root).as_posix(),))
        for split in SPLITS
        for study in sorted(_numbered(root / split) + _numbered(root / split / split), key=lambda it: int(it.name))
    ]


def read_labels(root: Path) -> dict[str, Labels]:
    """Volumes by case: `Diastole` is the EDV, `Systole` the ESV, both in mL."""
    labels: dict[str, Labels] = {}
    for sheet in (root / name for name in SHEETS):
        if sheet.exists():
            labels.update(_read_sheet(sheet))
    return labels


def read_study(sources: Sequence[Path]) -> Study:
    """All files of the short-axis folders; one folder should hold one slice."""
    from lvpipe.decoders.dicom.frames import read_frames

    runs = [
        folder for source in sources for folder in sorted((source / "study").glob("sax_*")) if _RUN.match(folder.name)
    ]
    runs.sort(key=lambda folder: int(folder.name.removeprefix("sax_")))
    return Study(tuple(image for run in runs for image in _images(run)), read_frames, slice_per_run=True)


def _numbered(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [entry for entry in folder.iterdir() if entry.name.isdecimal() and entry.is_dir()]


def _images(run: Path) -> list[ImageFile]:
    """A frame that is there in several versions is numbered by version, whatever the versions are called."""
    versions: dict[tuple[int, int], list[tuple[int, Path]]] = defaultdict(list)
    for path in run.iterdir():
        if match := _IMAGE.match(path.name):
            series, frame, version = (int(group or 0) for group in match.groups())
            versions[series, frame].append((version, path))
    return [
        ImageFile(path, run.name, (series, rank), frame)
        for (series, frame), found in sorted(versions.items())
        for rank, (_, path) in enumerate(sorted(found))
    ]


def _read_sheet(sheet: Path) -> dict[str, Labels]:
    with reading(sheet), sheet.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        columns = set(rows.fieldnames or ())
        if columns >= {"Id", "Volume"}:
            return _by_volume(sheet, rows)
        missing = {"Id", "Systole", "Diastole"} - columns
        if missing:
            raise UserError(
                f"{sheet}: no column {', '.join(sorted(missing))}; expected Id,Systole,Diastole or Id,Volume"
            )
        return {
            row["Id"].strip(): Labels(edv_ml=_volume(sheet, row, "Diastole"), esv_ml=_volume(sheet, row, "Systole"))
            for row in rows
        }


def _by_volume(sheet: Path, rows: Iterable[dict[str, str]]) -> dict[str, Labels]:
    volumes: dict[str, dict[str, float | None]] = defaultdict(dict)
    for row in rows:
        case, _, kind = row["Id"].strip().rpartition("_")
        volumes[case][kind] = _volume(sheet, row, "Volume")
    return {case: Labels(edv_ml=of.get("Diastole"), esv_ml=of.get("Systole")) for case, of in volumes.items()}


def _volume(sheet: Path, row: dict[str, str], column: str) -> float | None:
    text = (row[column] or "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise UserError(
            f"{sheet}: {column} of Id {row['Id']} is {text!r}; expected a number of mL: mend the cell or leave it blank"
        ) from None
