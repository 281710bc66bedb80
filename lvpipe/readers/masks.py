"""Masks that another tool drew, as NIfTI: one 4D file a case or one 3D file a frame; `cases.csv` beside them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvpipe.cases import Labels, SourceCase, safe_name
from lvpipe.errors import Rejected, UserError
from lvpipe.given import NO_TABLE, SHEET, Given, cases_in_sheet, labels_in_sheet, read_sheet
from lvpipe.listing import natural

if TYPE_CHECKING:  # imported when the workflow is parsed, which loads nothing heavy
    from lvpipe.images import Image

GIVES = "masks"
"""What a model of kind `given` makes to measure such a cohort."""

SHEETS = (SHEET,)

_FILES = "{case}.nii.gz"
_LEAST_STEP_MS = 1.0
"""No cine is as fast: a smaller step is in seconds whose unit the header does not name (ukbb_cardiac), so not known."""

_SAME_PLACE_MM = 0.1
"""Frames whose voxels lie further apart than this are not of one stack."""


def list_cases(root: Path, files: str = _FILES) -> list[SourceCase]:
    """The cases of `cases.csv`, or without one all that have a mask, in the folder itself or in one of its tables."""
    sheet = read_sheet(root)
    if sheet:
        return list(cases_in_sheet(sheet))
    found = {name for table in list_tables(root, files) for name in _found(root / table, files)}
    return [SourceCase(name, name, "", ()) for name in sorted(found, key=natural)]


def read_labels(root: Path) -> dict[str, Labels]:
    """Volumes, age and sex by case, where there is a sheet."""
    return labels_in_sheet(root)


def list_tables(root: Path, files: str = _FILES) -> list[str]:
    """The folders with masks: the cohort's own ("") alone if it has any, else those in it."""
    if _found(root, files):
        return [""]
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and _found(entry, files))


def find_table(root: Path, table: str, files: str = _FILES) -> Path | None:
    """The folder of a table's masks; None where there is none of them."""
    return root / table if _found(root / table, files) else None


def cases_of(root: Path, table: str, files: str = _FILES) -> set[str]:
    """The cases that have a mask there."""
    return set(_found(root / table, files))


def read_estimates(
    root: Path, table: str, files: str = _FILES, cavity: int | Sequence[int] = 1, myocardium: int | Sequence[int] = 2
) -> Iterator[tuple[str, Given]]:
    """Every case of the cohort with the areas of its masks.

    `files` says how they are named below the table's folder: `{case}` is the case, `{frame}`, where each frame has a
    file of its own, its number or word. `cavity` and `myocardium` are the values that mean these.
    """
    found = _found(root / table, files)
    for case in list_cases(root, files):
        yield (
            case.name,
            _given(found[case.name], _values(cavity), _values(myocardium)) if case.name in found else NO_TABLE,
        )


def _values(wanted: int | Sequence[int]) -> list[int]:
    return [int(value) for value in ([wanted] if isinstance(wanted, int | str) else wanted)]


def _found(folder: Path, files: str) -> dict[str, list[Path]]:
    """Files by case, the frames of each in the order of their numbers or words."""
    pattern, depth = _pattern(files), files.count("/")
    named: dict[str, list[tuple[Any, Path]]] = {}
    for path in folder.glob("*/" * depth + "*") if folder.is_dir() else ():
        match = pattern.fullmatch(path.relative_to(folder).as_posix())
        if match and not path.name.startswith("."):
            frame = match.groupdict().get("frame") or ""
            named.setdefault(safe_name(match["case"]), []).append((natural(frame), path))
    return {case: [path for _, path in sorted(frames)] for case, frames in sorted(named.items())}


def _pattern(files: str) -> re.Pattern[str]:
    if "{case}" not in files or set(re.findall(r"{(.*?)}", files)) - {"case", "frame"}:
        raise UserError(
            f"options: files is {files!r}; expected a name with {{case}} and, for 3D files, {{frame}} in it"
        )
    text = re.escape(files).replace(r"\{", "{").replace(r"\}", "}")
    text = text.replace("{case}", "(?P<case>[^/]+?)", 1).replace("{case}", "(?P=case)")
    return re.compile(text.replace("{frame}", "(?P<frame>[A-Za-z0-9]+)", 1))


def _given(paths: Sequence[Path], cavity: Sequence[int], myocardium: Sequence[int]) -> Given:
    import numpy as np

    from lvpipe.beats import AreaTable
    from lvpipe.images import read_image

    try:
        images = [read_image(path) for path in paths]
    except Rejected:
        return Given(reason="its mask is an empty file")
    except UserError:
        return Given(reason="its mask is not a readable NIfTI")
    first = images[0]
    if any(_elsewhere(image, first) for image in images):
        return Given(reason="the masks of its frames differ in size or place")
    mask_tzyx = np.concatenate([image.array_tzyx for image in images])
    if len(mask_tzyx) < 2:
        return Given(reason="one frame alone: expected a 4D file, or a file a frame (option `files` with {frame})")
    pixel_mm2, step_mm = _sizes(first)
    positions = step_mm * np.arange(mask_tzyx.shape[1], dtype=np.float64)
    inside, muscle = (
        np.asarray(np.isin(mask_tzyx, values).sum(axis=(2, 3)) * pixel_mm2, np.float64)
        for values in (cavity, myocardium)
    )
    timed = len(images) == 1 and first.time_step_ms >= _LEAST_STEP_MS
    times = [first.time_step_ms * frame for frame in range(len(mask_tzyx))] if timed else None
    return Given(AreaTable(inside, positions, step_mm), "", muscle, times)


def _elsewhere(image: "Image", first: "Image") -> bool:
    import numpy as np

    shapes = image.array_tzyx.shape[1:], first.array_tzyx.shape[1:]
    return shapes[0] != shapes[1] or not np.allclose(image.affine, first.affine, atol=_SAME_PLACE_MM, rtol=0)


def _sizes(image: "Image") -> tuple[float, float]:
    """A pixel's area, and the distance of slices along their normal, whatever the stack leans to."""
    import numpy as np

    normal = np.cross(image.affine[:3, 0], image.affine[:3, 1])
    pixel_mm2 = float(np.linalg.norm(normal))
    return pixel_mm2, float(abs(normal @ image.affine[:3, 2]) / pixel_mm2)
