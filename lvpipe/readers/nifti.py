"""Any NIfTI: cases of one 4D file or a file for each frame, in a sheet `cases.csv`; without it each file is a case."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from lvpipe.cases import OLDEST_YEARS, SPLITS, Labels, SourceCase, safe_name
from lvpipe.errors import UserError
from lvpipe.files import reading
from lvpipe.labels import CAVITY, MYOCARDIUM
from lvpipe.study import ImageFile, LabelFile, Study

SHEETS = ("cases.csv",)
"""Tables at the cohort's path; it may be missing."""

OF_ONE_CASE = ("frames", "label_frames")
"""Options that `list_cases` sets for each case."""

_COLUMNS = ("case", "image", "labels", "label_frames", "patient", "split", "edv_ml", "esv_ml", "age_years", "sex")
_NEEDED = ("case", "image")
_NIFTI = re.compile(r"[^.].*\.nii(\.gz)?")
_NAMED_FRAME = re.compile(r"(?:frame|phase|time|_t)[-_]?(\d+)", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True)
class _Row:
    """One line of the sheet, which names itself where something is wrong with it."""

    root: Path
    sheet: Path
    line: int
    cells: dict[str | Any, str]

    def text(self, column: str) -> str:
        return (self.cells.get(column) or "").strip()

    def refuse(self, column: str, expected: str) -> NoReturn:
        raise UserError(f"{self.sheet}, line {self.line}, column {column}: {self.text(column)!r}; expected {expected}")

    def number(self, column: str) -> float | None:
        """A number that is none below 0, or nothing."""
        text = self.text(column)
        try:
            value = float(text) if text else None
        except ValueError:
            value = -1.0
        if value is not None and not 0 <= value < float("inf"):
            self.refuse(column, "a number of at least 0, or nothing")
        return value

    def choice(self, column: str, known: Sequence[str]) -> str:
        text = self.text(column)
        if text not in ("", *known):
            self.refuse(column, f"{', '.join(known)} or nothing")
        return text

    def files(self, column: str) -> list[Path]:
        """The files that patterns with `;` between them name, in order; all below the cohort's folder."""
        found = [path for part in self.text(column).split(";") if part.strip() for path in self._matching(column, part)]
        if len(set(found)) < len(found):
            self.refuse(column, "each file once")
        return found

    def _matching(self, column: str, pattern: str) -> list[Path]:
        parts = PurePosixPath(pattern.strip())
        if parts.is_absolute() or ".." in parts.parts:
            self.refuse(column, f"paths below {self.root}, relative to it")
        try:
            found = [path for path in sorted(self.root.glob(str(parts))) if _NIFTI.fullmatch(path.name)]
        except ValueError:
            found = []
        if not found:
            self.refuse(column, f"files below {self.root} that are there, .nii or .nii.gz")
        return found


def list_cases(root: Path) -> list[SourceCase]:
    """The cases of the sheet in its order; without a sheet every NIfTI below the folder."""
    sheet = root / SHEETS[0]
    if not sheet.exists():
        return list(_single(root))
    rows = _rows(root, sheet)
    named: dict[str, _Row] = {}
    for row in rows:
        if named.setdefault(row.text("case"), row) is not row:
            row.refuse("case", f"each case once; line {named[row.text('case')].line} has it too")
    return [_listed(row) for row in rows]


def read_labels(root: Path) -> dict[str, Labels]:
    """What the sheet knows of the cases besides their files."""
    sheet = root / SHEETS[0]
    return {safe_name(row.text("case")): _known(row) for row in _rows(root, sheet)} if sheet.exists() else {}


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


def _listed(row: _Row) -> SourceCase:
    if not row.text("case"):
        row.refuse("case", "a name")
    _known(row)  # a mistake is told when the workflow is parsed, not after the last cine
    images, labels = row.files("image"), row.files("labels")
    if not images:
        row.refuse("image", "a NIfTI file, or several with ; between them or by a pattern such as scan_*.nii.gz")
    name = safe_name(row.text("case"))
    return SourceCase(
        name=name,
        patient=safe_name(row.text("patient")) if row.text("patient") else name,
        split=row.choice("split", SPLITS),
        sources=tuple(path.relative_to(row.root).as_posix() for path in (*images, *labels)),
        options=_numbered(row, images, labels),
    )


def _numbered(row: _Row, images: list[Path], labels: list[Path]) -> dict[str, Any]:
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


def _drawn_frames(row: _Row, labels: list[Path], many: bool) -> list[int | None]:
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


def _known(row: _Row) -> Labels:
    age = row.number("age_years")
    return Labels(
        edv_ml=row.number("edv_ml"),
        esv_ml=row.number("esv_ml"),
        age_years=None if age is None else min(age, OLDEST_YEARS),
        sex=row.choice("sex", ("F", "M")),
    )


def _rows(root: Path, sheet: Path) -> list[_Row]:
    with reading(sheet), sheet.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.DictReader(stream)
        columns = rows.fieldnames or ()
        missing = [column for column in _NEEDED if column not in columns]
        unknown = [column for column in columns if column not in _COLUMNS]
        if missing or unknown:
            what = f"no column {missing[0]}" if missing else f"an unknown column {unknown[0]!r}"
            raise UserError(f"{sheet}: {what}; expected {', '.join(_NEEDED)} and any of {', '.join(_COLUMNS[2:])}")
        listed = [_Row(root, sheet, rows.line_num, row) for row in rows]
    for row in listed:
        if None in row.cells:
            raise UserError(
                f"{sheet}, line {row.line}: more cells than the {len(columns)} columns; quote what has commas"
            )
    return listed
