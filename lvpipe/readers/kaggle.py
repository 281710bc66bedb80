"""Data Science Bowl 2: `<split>/<study>/study/sax_<k>/IM-<series>-<frame>[-<version>].dcm`, volumes in CSV sheets.

The archives unpack to `train/train/1` where each was given a folder of its own; both are understood.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lvpipe.cases import SPLITS, Labels, SourceCase
from lvpipe.reference_volumes import judged
from lvpipe.source_sheet import LabelColumns, Layout, Row, by_name, read_rows
from lvpipe.study import ImageFile, Study

SHEETS = ("train.csv", "validate.csv", "test.csv", "solution.csv")
"""Tables that `read_labels` reads, relative to the cohort's path; each may be missing.

Either `Id,Systole,Diastole`, or a row for each volume as in submissions: `Id,Volume` with an Id such as 701_Systole.
"""

_LAYOUT = Layout(("Id", "Systole", "Diastole"), instead=("Id", "Volume"))
_VOLUMES = LabelColumns(edv_ml=("Diastole",), esv_ml=("Systole",))
_KINDS = ("Systole", "Diastole")

_IMAGE = re.compile(r"IM-(\d+)-(\d+)(?:-(\d+))?\.dcm$")
_RUN = re.compile(r"sax_(\d+)$")
"""Short-axis folders; `2ch_*` and `4ch_*` beside them are long-axis views."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every numbered study folder of the three splits, in the order of the numbers."""
    read_labels(root)  # a mistake is told when the workflow is parsed, not after the last cine
    return [
        SourceCase(study.name, study.name, split, (study.relative_to(root).as_posix(),))
        for split in SPLITS
        for study in sorted(_numbered(root / split) + _numbered(root / split / split), key=lambda it: int(it.name))
    ]


def read_labels(root: Path) -> dict[str, Labels]:
    """Volumes by case: `Diastole` is the EDV, `Systole` the ESV, both in mL."""
    labels: dict[str, Labels] = {}
    for sheet in SHEETS:
        labels |= _labels(by_name(read_rows(root / sheet, _LAYOUT), "Id"))
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


def _labels(rows: Mapping[str, Row]) -> dict[str, Labels]:
    by_volume = any("Volume" in row.cells for row in rows.values())
    return _by_volume(rows) if by_volume else {name: row.labels(_VOLUMES) for name, row in rows.items()}


def _by_volume(rows: Mapping[str, Row]) -> dict[str, Labels]:
    volumes: dict[str, dict[str, float | None]] = defaultdict(dict)
    for name, row in rows.items():
        case, _, kind = name.rpartition("_")
        if kind not in _KINDS:
            row.refuse("Id", "a study and its volume, such as 701_Systole or 701_Diastole", "mend the cell")
        volumes[case][kind] = row.volume("Volume")
    return {case: judged(of.get("Diastole"), of.get("Systole")) for case, of in volumes.items()}
