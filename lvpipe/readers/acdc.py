"""ACDC: `training|testing/patientNNN/` with a 4D cine, the ED and ES frames apart, and labels drawn on these two."""

import re
from collections.abc import Sequence
from pathlib import Path

from lvpipe.cases import Labels, SourceCase, safe_name
from lvpipe.labels import CAVITY, MYOCARDIUM
from lvpipe.study import ImageFile, LabelFile, Note, Study

SHEETS = ()
"""No tables: volumes come from what was drawn."""

_SPLITS = {"training": "train", "validation": "validate", "testing": "test"}
_ABOVE = ("", "database")
"""The release of 2022 puts a folder above those of the splits."""

_CINE = re.compile(r"[^.].*_4d\.nii(\.gz)?")
_FRAME = re.compile(r"[^.].*_frame(\d+)\.nii(\.gz)?")
_DRAWN = re.compile(r"[^.].*_frame(\d+)_gt\.nii(\.gz)?")

_VALUES = ((3, CAVITY), (2, MYOCARDIUM))
"""1, the right ventricle, is background."""


def list_cases(root: Path) -> list[SourceCase]:
    """Every folder of a patient, in order; splits are those of the release."""
    folders = [(root / above / split, split) for above in _ABOVE for split in _SPLITS]
    return [
        SourceCase(
            name=safe_name(patient.name),
            patient=safe_name(patient.name),
            split=_SPLITS[split],
            sources=(patient.relative_to(root).as_posix(),),
        )
        for folder, split in folders
        if folder.is_dir()
        for patient in sorted(folder.iterdir())
        if patient.is_dir() and not patient.name.startswith(".")
    ]


def read_labels(root: Path) -> dict[str, Labels]:  # noqa: ARG001 the reader's interface
    """Nothing: no table says more than the drawings."""
    return {}


def read_study(sources: Sequence[Path]) -> Study:
    """The 4D cine with the labels of its frames; without it the frames that are there apart."""
    from lvpipe.decoders.nifti import read_frames

    # Below the folder, too: some who hand the data on have unpacked each file into a folder of its name.
    paths = [path for source in sources for path in sorted(source.rglob("*")) if path.is_file()]
    drawn = {int(match[1]): path for path in paths if (match := _DRAWN.fullmatch(path.name))}
    cines = [path for path in paths if _CINE.fullmatch(path.name)]
    notes = _told(sources, set(drawn))
    if cines:
        labels = tuple(LabelFile(path, frame - 1, _VALUES) for frame, path in sorted(drawn.items()))
        return Study((ImageFile(cines[0], "cine", (), 0, labels),), read_frames, notes=notes)
    apart = {int(match[1]): path for path in paths if (match := _FRAME.fullmatch(path.name))}
    images = tuple(ImageFile(path, "cine", (), frame, _on(drawn, frame)) for frame, path in sorted(apart.items()))
    what = f"no 4D file: the cine is the frames that are there apart, {sorted(apart)}"
    return Study(images, read_frames, notes=(*notes, Note("cine_of_single_frames", what)))


def _on(drawn: dict[int, Path], frame: int) -> tuple[LabelFile, ...]:
    return (LabelFile(drawn[frame], 0, _VALUES),) if frame in drawn else ()


def _told(sources: Sequence[Path], drawn: set[int]) -> tuple[Note, ...]:
    """Info.cfg says which frames are ED and ES; a word where others were drawn."""
    told = {frame for source in sources for frame in _ed_es(source / "Info.cfg")}
    if not drawn or not told or told == drawn:
        return ()
    what = f"Info.cfg has ED and ES at {sorted(told)}, drawn are frames {sorted(drawn)}; what is drawn counts"
    return (Note("check_ed_es", what),)


def _ed_es(info: Path) -> set[int]:
    if not info.is_file():
        return set()
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = [line.partition(":") for line in lines]
    return {int(value) for key, _, value in pairs if key.strip() in ("ED", "ES") and value.strip().isdecimal()}
