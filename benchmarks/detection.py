"""All ways to find the heart side by side, on real data and on phantoms: how good, and how long a study takes.

    python benchmarks/detection.py [--data ../shared/data/sunnybrook] [--methods lbp_cnn fourier] [--cores 2]

Runs the workflow with recipes/detection.yaml and recipes/detection_phantom.yaml, one method after the other; what one
has learnt the next need not learn again. Every case is judged by the detector of the fold that never saw its patient.
Shares are those of docs/methods.md; methods that follow motion say nothing of two frames, and have a dash there.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import yaml

from lvpipe.cine.contours import covered
from lvpipe.config.detect import LEARNT, DetectSettings
from lvpipe.config.phantom import PhantomOrder
from lvpipe.config.schema import Config, load_config
from lvpipe.detection.finding import Scene
from lvpipe.detection.judging import Judged, judge_case, shares
from lvpipe.detection.parts import FILES
from lvpipe.detection.steps.find import find_boxes
from lvpipe.files import read_json, read_table
from lvpipe.grids import grid_of
from lvpipe.images import Image, is_rejected, read_image, write_image, write_rejected
from lvpipe.labels import BACKGROUND, CAVITY, MYOCARDIUM, NOT_ANNOTATED
from lvpipe.phantom.case import PhantomCase, build_case
from lvpipe.phantom.stack import Plane
from lvpipe.stages.resample import prepare_reference

HOME = Path(__file__).parent.parent
VIEW = "standard"
METHODS = ("lbp_cnn", "locator", "fourier", "mean_deltas", "consensus", "centre")
MOTION = frozenset({"fourier", "mean_deltas"})
SETTINGS = {"consensus": {"rivals": ["lbp_cnn", "locator", "fourier"]}}
NEAR_MM = 1.0
"""A phantom's slice is the cine's at this distance along the stack."""

HEADS = ("method", "data", "cases", "slices", "proposed", "found", "holds", "<= 10 mm", "median mm", "filled")
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HOME.parent / "shared" / "data" / "sunnybrook")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--cores", default="2")
    parser.add_argument("--directory", type=Path, help="where to run and to leave the results; else a scratch folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.directory or Path(scratch)
        print(" | ".join(HEADS), flush=True)
        for method in args.methods:
            if args.data.is_dir():
                _real(folder / "real", args.data, method, args.cores)
            _phantom(folder / "phantom", method, args.cores)
        if args.data.is_dir():
            _times(folder / "real", args.methods)


def _real(folder: Path, data: Path, method: str, cores: str) -> None:
    config = _run(folder, "detection", method, cores, data)
    judged = _judged(folder, method, config.detect.margin, folder / "results" / "resample" / VIEW)
    cohorts = {row["case"]: row["cohort"] for row in read_table(folder / "results" / "convert" / "cases.csv")}
    for cohort in ("slices", "cines"):
        mine = [one for case, one in judged.items() if cohorts[case] == cohort]
        _print(method, cohort, None if cohort == "slices" and method in MOTION else shares(mine))


def _phantom(folder: Path, method: str, cores: str) -> None:
    config = _run(folder, "detection_phantom", method, cores)
    references = folder / "planted"
    _plant(folder / "results", references, config)
    judged = _judged(folder, method, config.detect.margin, references)
    _print(method, "phantom", shares(list(judged.values())))


def _run(folder: Path, recipe: str, method: str, cores: str, data: Path | None = None) -> Config:
    """The boxes of every case by one method; the configuration that they were made with."""
    folder.mkdir(parents=True, exist_ok=True)
    overlay = folder / f"{method}.yaml"
    overlay.write_text(json.dumps({"detect": {"method": method, "rivals": [], **SETTINGS.get(method, {})}}))
    files = [HOME / "recipes" / f"{recipe}.yaml", overlay]
    config = load_config(_merged(HOME / "config.yaml", *files))
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", cores, "--directory", str(folder)]
    command += ["--snakefile", str(HOME / "Snakefile"), f"results/score/boxes/{VIEW}.csv", *_boxes(config)]
    command += ["--configfile", *map(str, files), *(["--config", f"data_root={data.resolve()}"] if data else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit((done.stdout + done.stderr)[-3000:])
    return config


def _merged(*files: Path) -> dict[str, object]:
    """Configurations laid over each other, mapping by mapping, as Snakemake does."""
    merged: dict[str, object] = {}
    for file in files:
        _lay(yaml.safe_load(file.read_text()), merged)
    return merged


def _lay(changes: Mapping[str, object], base: dict[str, object]) -> None:
    for key, value in changes.items():
        inner = base.get(key)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            _lay(value, inner)
        else:
            base[key] = value


def _boxes(config: Config) -> list[str]:
    """Of the cohorts that nobody drew, of which scoring asks nothing."""
    undrawn = (cohort.phantom for cohort in config.cohorts if not cohort.masks)
    counts = {name: sum(config.phantom.cohorts[name].cases.values()) for name in undrawn if name}
    return [f"results/detect/{VIEW}/{number + 1}_boxes.json" for count in counts.values() for number in range(count)]


def _judged(folder: Path, method: str, margin: float, references: Path) -> dict[str, Judged]:
    """Every case with a reference; the boxes are kept under the method's name for whoever wants to look."""
    boxes, kept = folder / "results" / "detect" / VIEW, folder / "boxes" / method
    kept.mkdir(parents=True, exist_ok=True)
    judged = {}
    for reference in sorted(references.glob("*_reference.nii.gz")):
        case = reference.name.removesuffix("_reference.nii.gz")
        (kept / f"{case}_boxes.json").write_bytes((boxes / f"{case}_boxes.json").read_bytes())
        one = judge_case(case, kept / f"{case}_boxes.json", reference, margin)
        if one is not None:
            judged[case] = one
    return judged


def _plant(results: Path, references: Path, config: Config) -> None:
    """What the phantoms know of their hearts, on the grid of the view; of drawn ones what the workflow read."""
    references.mkdir(parents=True, exist_ok=True)
    view = config.resample.prepared(VIEW)
    for row in read_table(results / "convert" / "cases.csv"):
        case, out = row["case"], references / f"{row['case']}_reference.nii.gz"
        cine = results / "convert" / f"{case}_cine.nii.gz"
        if out.exists():
            continue
        if (results / "resample" / VIEW / out.name).exists():
            out.write_bytes((results / "resample" / VIEW / out.name).read_bytes())
        elif is_rejected(cine):
            write_rejected(out)
        else:
            order = PhantomOrder(seed=config.phantom.seed, cohort=config.phantom.cohorts[row["cohort"]])
            positions = read_json(cine.with_name(f"{case}_cine.json"))["positions_mm"]
            reference = _reference(build_case(row["cohort"], case, order), read_image(cine), np.array(positions))
            write_image(out, prepare_reference(reference, view))


def _reference(case: PhantomCase, cine: Image, positions_mm: np.ndarray) -> Image:
    """End-diastole and end-systole of the slices that convert kept."""
    labels, shape_yx = np.full(cine.array_tzyx.shape, NOT_ANNOTATED, np.uint8), grid_of(cine).shape_yx
    to_voxels = np.linalg.inv(cine.affine)
    normal = cine.affine[:3, 2] / np.linalg.norm(cine.affine[:3, 2])
    along_mm = normal @ cine.affine[:3, 3] + (positions_mm - positions_mm[0])
    for taken in case.slices:
        away = np.abs(along_mm - normal @ (LPS_TO_RAS * taken.plane.position_mm))
        z = int(away.argmin())
        if away[z] > NEAR_MM:
            continue
        for frame in (case.heart.ed_frame, case.heart.es_frame):
            at = round(frame * len(labels) / len(case.heart.volumes_ml)) % len(labels)
            labels[at, z] = BACKGROUND
            for outer, value in ((True, MYOCARDIUM), (False, CAVITY)):
                contour = case.contour(taken, frame, outer)
                if len(contour):
                    labels[at, z][covered(_to_voxels(contour, taken.plane, to_voxels), shape_yx)] = value
    return Image(labels, cine.affine, cine.time_step_ms)


def _to_voxels(points: np.ndarray, plane: Plane, to_voxels: np.ndarray) -> np.ndarray:
    """Columns and rows of a phantom's image as those of the converted one."""
    column, row = points.T[:, :, None]
    patient = plane.position_mm + plane.pixel_mm * (column * plane.along_row + row * plane.along_column)
    return np.asarray((LPS_TO_RAS * patient) @ to_voxels[:2, :3].T + to_voxels[:2, 3])


def _print(method: str, data: str, row: Mapping[str, object] | None) -> None:
    cells = ["-"] * 8 if row is None else list(_cells(row))
    print(" | ".join((method, data, *cells)), flush=True)


def _cells(row: Mapping[str, object]) -> Iterator[str]:
    yield from (str(row["cases"]), str(row["slices"]))
    for name in ("proposed", "found", "holds", "within_10_mm"):
        yield "-" if row[name] is None else f"{100 * float(str(row[name])):.1f} %"
    yield "-" if row["median_mm"] is None else f"{float(str(row['median_mm'])):.1f}"
    yield "-" if row["mid_filled"] is None else f"{100 * float(str(row['mid_filled'])):.1f} %"


def _times(folder: Path, methods: Sequence[str]) -> None:
    """Seconds a study on one core, of the finding alone, and as a multiple of reading the cine that it looks at."""
    from lvpipe.learning.device import prepare_torch

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    views = sorted((folder / "results" / "resample" / VIEW).glob("SCD*_cine.nii.gz"))
    cines = [read_image(view) for view in views]
    reading = median(_timed(lambda view=view: read_image(view)) for view in views)
    print(f"\nseconds a study on one core ({len(views)} cines); reading the cine takes {reading:.3f} s")
    asked = {method: {"rivals": (), **SETTINGS.get(method, {})} for method in methods}
    for name, changes in (*asked.items(), ("default", {})):
        default = DetectSettings()
        settings = DetectSettings(**({"method": default.method} if name == "default" else {"method": name} | changes))
        parts = [part for method in settings.asked for part in LEARNT.get(method, ())]
        learnt = {part: [folder / "results" / "detect" / VIEW / "fold-0" / FILES[part]] for part in parts}
        if not all(file.exists() for files in learnt.values() for file in files):
            continue
        prepare_torch(settings)
        scenes = [Scene(cine.array_tzyx, cine.pixel_mm, learnt) for cine in cines]
        find_boxes(scenes[0], settings)
        spent = median(_timed(lambda scene=scene, s=settings: find_boxes(scene, s)) for scene in scenes)
        print(f"{name}: {spent:.3f} s, {spent / reading:.1f} times reading", flush=True)


def _timed(do: Callable[[], object]) -> float:
    """The least of three: what else the machine does can only add."""
    spent = []
    for _ in range(3):
        started = time.perf_counter()
        do()
        spent.append(time.perf_counter() - started)
    return min(spent)


if __name__ == "__main__":
    main()
