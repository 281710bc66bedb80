"""LVQuan: one mid-ventricular slice over 20 frames. 2019 has a MATLAB file a patient, 2018 all subjects in one."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from lvpipe.cases import Labels, SourceCase, safe_name
from lvpipe.decoders.mat5 import read_shapes
from lvpipe.errors import UserError
from lvpipe.study import ImageFile, Study, Unreadable

SHEETS = ()
"""No tables: areas come from what was drawn."""

OF_ONE_CASE = ("subject",)
"""Options that `list_cases` sets for each case."""

_MANY = re.compile(r"(cardiac-dig|lvquan_test_images).*\.mat", re.IGNORECASE)
"""Files of 2018, which hold many subjects: 145 to learn from, 30 to test on."""

_FRAMES = 20
"""Frames of every subject, in the files that hold many subjects one behind another."""

_IMAGES = ("images_LV", "images_LV_30")


def list_cases(root: Path) -> list[SourceCase]:
    """Every patient's file, and every subject of a file of many; what is in `test` by its name is split `test`."""
    files = [path for path in sorted(root.rglob("*.mat")) if not path.name.startswith(".")]
    listed = (_subjects(root, path) if _MANY.fullmatch(path.name) else [_one(root, path)] for path in files)
    return [case for cases in listed for case in cases]


def read_labels(root: Path) -> dict[str, Labels]:  # noqa: ARG001 the reader's interface
    """Nothing: volumes are areas times `slice_mm`, and these are drawn."""
    return {}


def read_study(sources: Sequence[Path], slice_mm: float = 8.0, subject: int | None = None) -> Study:
    """One slice, `slice_mm` thick; `subject` is set for each case of a file of many.

    Raises:
        UserError: a file of many without it.
    """
    from lvpipe.decoders.matlab import read_frames

    many = [path.name for path in sources if _MANY.fullmatch(path.name)]
    if many and subject is None:
        raise UserError(f"{many[0]}: holds many subjects; expected the option subject, 0 for the first")
    images = tuple(ImageFile(path, "slice", (), 0) for path in sources)
    return Study(images, partial(read_frames, subject=subject, per_subject=_FRAMES, slice_mm=slice_mm))


def _one(root: Path, path: Path) -> SourceCase:
    """The patients that are learnt from and those that are tested on are both counted from 1."""
    split = _split(root, path)
    name = safe_name(path.stem if not split or "test" in path.stem.lower() else f"test-{path.stem}")
    return SourceCase(name, name, split, (path.relative_to(root).as_posix(),))


def _subjects(root: Path, path: Path) -> Iterator[SourceCase]:
    split = _split(root, path)
    for subject in range(_count(path)):
        name = f"{'test' if split else 'sub'}-{subject + 1:03d}"
        yield SourceCase(name, name, split, (path.relative_to(root).as_posix(),), {"subject": subject})


def _split(root: Path, path: Path) -> str:
    return "test" if "test" in path.relative_to(root).as_posix().lower() else ""


def _count(path: Path) -> int:
    """How many subjects a file holds, by the shape of its images alone."""
    try:
        shapes = read_shapes(path.read_bytes())
    except Unreadable as error:
        raise UserError(f"{path}: {error}") from None
    found = next((shapes[name] for name in _IMAGES if name in shapes), None)
    if found is None or len(found) != 3 or found[2] % _FRAMES:
        raise UserError(f"{path}: {_IMAGES[0]} is {found}; expected rows, columns and {_FRAMES} frames a subject")
    return found[2] // _FRAMES
