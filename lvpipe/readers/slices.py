"""Single slices as pictures, each with a mask of the cavity: `<case>/sliceSS_frameFF.png` and `..._cavity.png`.

Slices and frames that nobody drew have no picture. Beside the folders, `cases.csv` says who they are, and which two
frames are ED and ES.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvpipe.cases import Labels, SourceCase, canonical_patient, safe_name
from lvpipe.labels import CAVITY
from lvpipe.source_sheet import LabelColumns, Layout, Row, by_name, read_rows
from lvpipe.study import ImageFile, LabelFile, Study

if TYPE_CHECKING:
    from lvpipe.study import Frame, Read

SHEETS = ("cases.csv",)
"""Tables at the cohort's path; it may be missing."""

OF_ONE_CASE = ("frames",)
"""Options that `list_cases` sets for each case."""

_PERSON = LabelColumns(edv_ml=(), esv_ml=())

_PICTURE = re.compile(r"slice(\d+)_frame(\d+)\.png")
_MASK = "_cavity.png"
_VALUES = tuple((value, CAVITY) for value in range(128, 256))
"""Masks are black and white; whoever smoothed theirs meant the brighter half."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every folder with pictures, in order."""
    rows = _rows(root)
    read_labels(root)  # a mistake is told when the workflow is parsed, not after the last cine
    folders = [entry for entry in sorted(root.iterdir()) if entry.is_dir() and not entry.name.startswith(".")]
    return [
        SourceCase(
            name=safe_name(folder.name),
            patient=safe_name(canonical_patient(folder.name)),
            split="",
            sources=(folder.name,),
            options=_frames(rows[folder.name]) if folder.name in rows else {},
        )
        for folder in folders
        if any(_PICTURE.fullmatch(entry.name) for entry in folder.iterdir())
    ]


def read_labels(root: Path) -> dict[str, Labels]:
    """Age and sex; reference volumes come from the masks."""
    return {safe_name(name): row.labels(_PERSON) for name, row in _rows(root).items()}


def read_study(
    sources: Sequence[Path],
    pixel_mm: float = 1.37,
    slice_mm: float = 8.0,
    outlined: bool = False,
    frames: Sequence[int] = (),
) -> Study:
    """The pictures of the frames wanted (none named: of all); pictures do not say how large their pixels are.

    `outlined`: the masks were filled with their outlines, and are half a pixel too large all round.
    """
    from lvpipe.decoders.picture import read_frame

    def decode(file: ImageFile, read: "Read") -> "list[Frame]":
        found = read_frame(file, read, int(file.run), pixel_mm, slice_mm)
        return [_without_outline(frame) for frame in found] if outlined else found

    found = [(path, _PICTURE.fullmatch(path.name)) for source in sources for path in sorted(source.iterdir())]
    images = [
        ImageFile(path, match[1], (), int(match[2]), _mask(path))
        for path, match in found
        if match and (not frames or int(match[2]) in frames)
    ]
    return Study(tuple(images), decode, sparse=True)


def _mask(picture: Path) -> tuple[LabelFile, ...]:
    mask = picture.with_name(picture.stem + _MASK)
    return (LabelFile(mask, 0, _VALUES),) if mask.is_file() else ()


def _without_outline(frame: "Frame") -> "Frame":
    from lvpipe.cine.outlines import without_outline

    if frame.labels_yx is None:
        return frame
    return replace(frame, labels_yx=without_outline(frame.labels_yx == CAVITY) * frame.labels_yx.dtype.type(CAVITY))


def _frames(row: Row) -> dict[str, Any]:
    """ED and ES of the sheet: other frames, where someone exported them too, are none of the cine's two."""
    told = (row.whole(column) for column in ("ed_frame", "es_frame"))
    frames = sorted({frame for frame in told if frame is not None})
    return {"frames": frames} if frames else {}


def _rows(root: Path) -> dict[str, Row]:
    return by_name(read_rows(root / SHEETS[0], Layout(("case",))), "case")
