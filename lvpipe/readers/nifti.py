"""Any NIfTI: cases of one 4D file or a file for each frame, in a sheet `cases.csv`; without it each file is a case."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from lvpipe.cases import Labels, SourceCase, safe_name
from lvpipe.labels import CAVITY, MYOCARDIUM
from lvpipe.source_sheet import LABELS, Layout, Row, by_name, read_rows
from lvpipe.study import ImageFile, LabelFile, Study

SHEETS = ("cases.csv",)
"""Tables at the cohort's path; it may be missing."""

OF_ONE_CASE = ("frames", "label_frames")
"""Options that `list_cases` sets for each case."""

_LAYOUT = Layout(("case", "image"), further=("labels", "label_frames", "patient", "split", *LABELS.names), closed=True)
_NIFTI = re.compile(r"[^.].*\.nii(\.gz)?")
_NAMED_FRAME = re.compile(r"(?:frame|phase|time|_t)[-_]?(\d+)", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def list_cases(root: Path) -> list[SourceCase]:
    """The cases of the sheet in its order; without a sheet every NIfTI below the folder."""
    if not (root / SHEETS[0]).is_file():
        return list(_single(root))
    return [_listed(root, row) for row in _rows(root).values()]


def read_labels(root: Path) -> dict[str, Labels]:
    """What the sheet knows of the cases besides their files."""
    return {safe_name(name): row.labels() for name, row in _rows(root).items()}


def read_study(
    sources: Sequence[Path],
    cavity: int = CAVITY,
    myocardium: int | None = MYOCARDIUM,
    first_frame: int = 1,
    frames: Sequence[int] = (),
    label_frames: Sequence[int | None] = (),
) -> Study:
    """The images of a case, then its labels, as many as `label_frames` has.

    `cavity` and `myocardium` are the values of labels, all others are background; `first_frame` is the number that
    labels give the first frame of a 4D image. `frames` and `label_frames` are set for each case of a sheet.
    """
    from lvpipe.decoders.nifti import read_frames

    values = ((cavity, CAVITY), *(((myocardium, MYOCARDIUM),) if myocardium is not None else ()))
    split = len(sources) - len(label_frames)
    numbers = frames or range(split)
    drawn = list(zip(sources[split:], label_frames, strict=True))
    images = [
        ImageFile(path, "cine", (), number, tuple(_labels(drawn, values, number, split > 1, first_frame)))
        for path, number in zip(sources[:split], numbers, strict=True)
    ]
    return Study(tuple(images), read_frames)


def _labels(
    drawn: Sequence[tuple[Path, int | None]], values: tuple[tuple[int, int], ...], number: int, many: bool, first: int
) -> Iterator[LabelFile]:
    """Those of an image: of several images the one of its number, of a single one all."""
    for path, frame in drawn:
        if not many:
            yield LabelFile(path, None if frame is None else frame - first, values)
        elif frame == number:
            yield LabelFile(path, 0, values)


def _single(root: Path) -> Iterator[SourceCase]:
    for path in sorted(root.rglob("*")):
        if _NIFTI.fullmatch(path.name) and path.is_file():
            inside = path.relative_to(root).as_posix()
            name = safe_name(re.sub(r"\.nii(\.gz)?$", "", inside))
            yield SourceCase(name, name, "", (inside,))


def _listed(root: Path, row: Row) -> SourceCase:
    row.labels()  # a mistake is told when the workflow is parsed, not after the last cine
    images, labels = _files(root, row, "image"), _files(root, row, "labels")
    if not images:
        row.refuse("image", "a NIfTI file, or several with ; between them or by a pattern such as scan_*.nii.gz")
    name = safe_name(row.text("case"))
    return SourceCase(
        name=name,
        patient=safe_name(row.text("patient")) if row.text("patient") else name,
        split=row.split(),
        sources=tuple(path.relative_to(root).as_posix() for path in (*images, *labels)),
        options=_numbered(row, images, labels),
    )


def _files(root: Path, row: Row, column: str) -> list[Path]:
    """The files that patterns with `;` between them name, in order; all below the cohort's folder."""
    patterns = [part.strip() for part in row.text(column).split(";") if part.strip()]
    found = [path for pattern in patterns for path in _matching(root, row, column, pattern)]
    if len(set(found)) < len(found):
        row.refuse(column, "each file once")
    return found


def _matching(root: Path, row: Row, column: str, pattern: str) -> list[Path]:
    parts = PurePosixPath(pattern)
    if parts.is_absolute() or ".." in parts.parts:
        row.refuse(column, f"paths below {root}, relative to it")
    try:
        found = [path for path in sorted(root.glob(str(parts))) if _NIFTI.fullmatch(path.name)]
    except ValueError:
        found = []
    if not found:
        row.refuse(column, f"files below {root} that are there, .nii or .nii.gz")
    return found


def _numbered(row: Row, images: list[Path], labels: list[Path]) -> dict[str, Any]:
    """Which frame each file is or was drawn on."""
    options: dict[str, Any] = {}
    many = len(images) > 1
    if many:
        frames = _numbers(images, any_number=True)
        if len(set(frames)) < len(images):
            row.refuse("image", "a number of its own in the name of each file, such as frame07")
        options["frames"] = frames
    if labels:
        options["label_frames"] = _drawn_frames(row, labels, many)
    if many and not set(options.get("label_frames", ())) <= set(options["frames"]):
        row.refuse("labels", f"labels of the frames that the images have, {options['frames']}; or give label_frames")
    return options


def _drawn_frames(row: Row, labels: list[Path], many: bool) -> list[int | None]:
    """By the sheet, else by the names of the files; None for one file of labels of all frames of one image."""
    told = [part.strip() for part in row.text("label_frames").split(";") if part.strip()]
    if told:
        if len(told) != len(labels) or not all(part.isdecimal() for part in told):
            row.refuse("label_frames", f"{len(labels)} whole numbers with ; between them, one for each file of labels")
        return [int(part) for part in told]
    numbers = _numbers(labels, any_number=many)
    if not numbers and not many and len(labels) == 1:
        return [None]
    if len(set(numbers)) < len(labels):
        row.refuse("labels", "the number of its frame in each file's name, such as frame07; or give label_frames")
    return list(numbers)


def _numbers(paths: list[Path], any_number: bool) -> list[int]:
    """The frames that files are named after: `frame07`, `_t07`, else the last number; empty where a name has none."""
    for pattern in (_NAMED_FRAME, _LAST_NUMBER)[: 1 + any_number]:
        found = [pattern.search(path.name.removesuffix(".gz").removesuffix(".nii")) for path in paths]
        if all(found):
            return [int(match[1]) for match in found if match]
    return []


def _rows(root: Path) -> dict[str, Row]:
    return by_name(read_rows(root / SHEETS[0], _LAYOUT), "case")
