"""Left atria of the challenge of 2013 as the Medical Segmentation Decathlon has them: one volume a patient, no cine.

`Task02_Heart/imagesTr|imagesTs/la_NNN.nii.gz`, `labelsTr/la_NNN.nii.gz`; Kaggle hands the same folders on.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from lvpipe.cases import Labels, SourceCase, safe_name
from lvpipe.labels import CAVITY
from lvpipe.study import ImageFile, LabelFile, Study

SHEETS = ()
"""No tables: volumes come from what was drawn."""

_ABOVE = ("", "Task02_Heart")
_SPLITS = {"imagesTr": "", "imagesTs": "test"}
_LABELS = "labelsTr"
_NIFTI = re.compile(r"([^.].*)\.nii(\.gz)?")
_VALUES = ((1, CAVITY),)


def list_cases(root: Path) -> list[SourceCase]:
    """Every image, in order; those of imagesTs, which nobody has drawn on, are split `test`."""
    folders = [(root / above / images, split) for above in _ABOVE for images, split in _SPLITS.items()]
    return [
        SourceCase(name, name, split, tuple(path.relative_to(root).as_posix() for path in (image, *drawn)))
        for folder, split in folders
        for stem, image in _niftis(folder).items()
        for name in [safe_name(stem.replace("_", "-"))]
        for drawn in [_niftis(folder.parent / _LABELS, stem).values() if not split else ()]
    ]


def read_labels(root: Path) -> dict[str, Labels]:  # noqa: ARG001 the reader's interface
    """Nothing: no table says more than the drawings."""
    return {}


def read_study(sources: Sequence[Path], spacing: Literal["header", "unit"] = "header") -> Study:
    """One image of one frame; `spacing: unit` counts voxels as cubes of 1 mm, as some publications do."""
    from lvpipe.decoders.nifti import read_frames

    drawn = tuple(LabelFile(path, 0, _VALUES) for path in sources if _LABELS in path.parts[-3:])
    images = tuple(ImageFile(path, "stack", (), 0, drawn) for path in sources if _LABELS not in path.parts[-3:])
    return Study(images, partial(read_frames, unit_spacing=spacing == "unit"))


def _niftis(folder: Path, stem: str = "") -> dict[str, Path]:
    """NIfTI files by the stem of their name; where each was unpacked into a folder of its name, from there."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {match[1]: _file(entry) for entry in entries if (match := _NIFTI.fullmatch(entry.name))}
    return {name: path for name, path in found.items() if stem in ("", name)}


def _file(entry: Path) -> Path:
    inside = sorted(entry.glob("*.nii*")) if entry.is_dir() else []
    return inside[0] if inside else entry
