"""`convert` beside dcm2niix: the same voxels, the same places, and how long each takes.

Converts the cines below `--data` (../shared/data/sunnybrook, or $LVPIPE_DATA) and phantoms of regular layout with both,
compares them slice by slice, then times both on the first cine, process start included, in turn. dcm2niix is looked up
beside this Python and on PATH; the extra `dev` has it.

dcm2niix writes RepetitionTime as the time step. That is the interval between frames in Siemens' headers; in GE's it is
that of the pulses, which says nothing of a cine. Philips' series become a file for each trigger time, in whole ms.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from lvpipe.config.phantom import Irregularities, PhantomCohort, PhantomOrder
from lvpipe.phantom.export import write_case
from lvpipe.phantom.names import list_cases

HOME = Path(__file__).parent.parent
REAL = Path(os.environ.get("LVPIPE_DATA", HOME.parent / "shared" / "data")) / "sunnybrook" / "SCD_IMAGES"
ROUNDS = 11
REGULAR = {"sunnybrook": {"all": 3}, "kaggle": {"train": 2, "validate": 1, "test": 1}}


@dataclass(frozen=True)
class Difference:
    """How far two cines are apart: slices that only ours has, voxels that differ, mm between them; both time steps."""

    slices: int
    unmatched: int
    voxels: int
    corner_mm: float
    step_ms: float
    other_step_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=REAL)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    other = find_dcm2niix()
    if other is None:
        raise SystemExit("no dcm2niix beside this Python or on PATH: pip install dcm2niix")
    with tempfile.TemporaryDirectory() as folder:
        studies = [*real_studies(args.data), *phantom_studies(Path(folder))]
        print(f"{'study':<14}{'slices':>7}{'unmatched':>10}{'voxels differ':>14}", end="")
        print(f"{'mm apart':>10}{'step ms':>9}{'dcm2niix':>9}")
        for reader, study in studies:
            found = compare(other, reader, study, Path(folder))
            print(
                f"{study.name:<14}{found.slices:>7}{found.unmatched:>10}{found.voxels:>14}{found.corner_mm:>10.1e}"
                f"{found.step_ms:>9.3f}{found.other_step_ms:>9.3f}",
                flush=True,
            )
        print_times(other, *studies[0], Path(folder), args.rounds)
        program = without_launcher(other)
        if program:
            print("without the launcher, a Python script, that PyPI's package puts before it:", end=" ")
            print_times(program, *studies[0], Path(folder), args.rounds)


def find_dcm2niix() -> str | None:
    """The program beside this Python, else on PATH."""
    return shutil.which("dcm2niix", path=str(Path(sys.executable).parent)) or shutil.which("dcm2niix")


def without_launcher(other: str) -> str | None:
    """The program that a launcher of PyPI's package starts."""
    found = sorted(Path(other).parent.parent.glob("lib/python*/site-packages/dcm2niix/dcm2niix"))
    return str(found[0]) if found else None


def real_studies(root: Path) -> Iterator[tuple[str, Path]]:
    """The cines that are there."""
    if not root.is_dir():
        print(f"REAL DATA NOT COMPARED: no {root}; set LVPIPE_DATA or --data", file=sys.stderr)
        return
    yield from (("sunnybrook", study) for study in sorted(root.iterdir()) if study.is_dir())


def phantom_studies(root: Path) -> Iterator[tuple[str, Path]]:
    """Regular phantoms of both layouts."""
    for layout, cases in REGULAR.items():
        regular = dict.fromkeys(Irregularities.model_fields, 0.0)
        order = PhantomOrder(seed=4, cohort=PhantomCohort(layout=layout, cases=cases, irregularities=regular))
        for case in list_cases("regular", order.cohort):
            write_case("regular", case.name, order, root / layout)
            yield layout, root / layout / case.sources[0]


def compare(other: str, reader: str, study: Path, folder: Path) -> Difference:
    """Both converters on one study, and how far apart what they make of it is."""
    convert(reader, study, folder)
    ours = nibabel.load(folder / "ours.nii.gz")
    return difference(ours, read_parts(convert_otherwise(other, study, folder)))


def convert(reader: str, study: Path, folder: Path) -> None:
    """`lvpipe convert`, as a rule calls it."""
    words = ["convert", "case", "--reader", reader, "--case", "a", "--cohort", "b", "--sources", str(study)]
    words += ["--cine", str(folder / "ours.nii.gz"), "--ledger", str(folder / "ours.json"), "--settings", "{}"]
    subprocess.run([sys.executable, "-m", "lvpipe", *words], cwd=HOME, check=True, stdout=subprocess.DEVNULL)


def convert_otherwise(other: str, study: Path, folder: Path) -> list[Path]:
    """What dcm2niix makes of a study: a file a series."""
    made = folder / "theirs"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    words = [other, "-z", "y", "-b", "n", "-f", "%s", "-o", str(made), str(study)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return sorted(made.glob("*.nii.gz"))


@dataclass(frozen=True)
class Part:
    """One series as dcm2niix has it."""

    array_xyzt: NDArray[Any]
    affine: NDArray[np.float64]
    step_ms: float


def read_parts(paths: list[Path]) -> list[Part]:
    """A file a series; of Philips' headers a file a trigger time, which stands in its name: `8_t128.nii.gz`."""
    series: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in paths:
        name, _, trigger = path.name.removesuffix(".nii.gz").partition("_t")
        series[name][int(trigger or 0)] = path
    return [_joined(sorted(files), [files[time] for time in sorted(files)]) for files in series.values()]


def _joined(triggers: list[int], paths: list[Path]) -> Part:
    images: list[Any] = [nibabel.load(path) for path in paths]
    arrays = [np.asanyarray(image.dataobj) for image in images]
    shapes = [array.reshape(*array.shape, *(1,) * (4 - array.ndim)) for array in arrays]
    step_ms = float(np.median(np.diff(triggers))) if len(triggers) > 1 else 1000 * float(images[0].header["pixdim"][4])
    return Part(np.concatenate(shapes, axis=3), images[0].affine, step_ms)


def difference(ours: Any, parts: list[Part]) -> Difference:
    """Each of our slices against the one of theirs that lies there."""
    cine_xyzt = np.asanyarray(ours.dataobj)
    unmatched, voxels, apart, steps = 0, 0, [0.0], [0.0]
    for z in range(cine_xyzt.shape[2]):
        places = [(*place(ours, z, part), part) for part in parts]
        mm, at, part = min(places, key=lambda one: one[0])
        if mm > 1 or part.array_xyzt.shape[3] != cine_xyzt.shape[3]:
            unmatched += 1
            continue
        voxels += int((part.array_xyzt[tuple(at)] != cine_xyzt[:, :, z]).sum())
        apart.append(mm)
        steps.append(part.step_ms)
    return Difference(len(cine_xyzt[0, 0]), unmatched, voxels, max(apart), float(ours.header["pixdim"][4]), max(steps))


def place(ours: Any, z: int, part: Part) -> tuple[float, NDArray[np.int_]]:
    """How many mm one of our slices is off the grid of a part (1e9: not there), and its voxels' indices in it."""
    rows = np.indices(ours.shape[:2]).reshape(2, -1)
    voxels = np.vstack([rows, np.full_like(rows[0], z), np.ones_like(rows[0])])
    exact = np.linalg.solve(part.affine, ours.affine @ voxels)
    at = np.rint(exact)
    inside = bool(((at[:3] >= 0) & (at[:3] < np.array(part.array_xyzt.shape[:3])[:, None])).all())
    mm = float(np.linalg.norm((part.affine @ (exact - at))[:3], axis=0).max()) if inside else 1e9
    return mm, at[:3].astype(int).reshape(3, *ours.shape[:2])


def print_times(other: str, reader: str, study: Path, folder: Path, rounds: int) -> None:
    """Both in turn, so that whatever else the machine does falls on both."""
    ours, theirs = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        convert(reader, study, folder)
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        convert_otherwise(other, study, folder)
        theirs.append(time.perf_counter() - started)
    ratio = median(ours) / median(theirs)
    print(
        f"convert {median(ours):.2f} s, dcm2niix -z y {median(theirs):.2f} s (medians of {rounds}): {ratio:.2f} times"
    )


if __name__ == "__main__":
    main()
