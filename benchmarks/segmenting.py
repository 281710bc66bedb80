"""What `segment` costs beside the bare network and beside a loop over frames, and a heart's way to its volumes.

    python benchmarks/segmenting.py [--data ../shared/data/sunnybrook] [--case SCD0000101] [--cores 2]

The default network (config.yaml) learns a little from a few phantoms. Then a real cine of 12 slices and 20 frames goes
from DICOM to volumes through the workflow, by networks that are there, from a warm disk. A shard of it under several
names is segmented in this process, in turn with the bare forward passes of the same network on the same batches, and
with a loop that loads the network for each case and sees one slice of one frame at a time. Ratios are of such pairs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from lvpipe.boxes import read_boxes
from lvpipe.config.schema import load_config
from lvpipe.grids import grid_within
from lvpipe.images import Image, read_image, write_images
from lvpipe.learning.batches import as_batch, compute, scale
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.weights import read_network
from lvpipe.probabilities import PROB_SLOPE
from lvpipe.stages import segment
from lvpipe.windows import cut, window_grids

HOME = Path(__file__).parent.parent
VIEW, MODEL = "standard", "unet"
TEACHERS = {
    "folds": 2,
    "cohorts": [
        {"name": "contours", "reader": "sunnybrook", "phantom": "contours", "masks": True, "volumes": True},
        {"name": "hearts", "reader": "sunnybrook", "path": "."},
    ],
    "phantom": {"cohorts": {"contours": {"cases": {"all": 7}, "frames": [8, 8], "matrix": [96, 112]}}},
    "detect": {"cascade": {"images": 300, "stages": 6}, "classifier": {"epochs": 2}, "fitter": {"epochs": 2}},
    "train": {"epochs": 2},
    "segment": {"shard_cases": 1},
}
"""Laid over config.yaml: what learns quickly, however well it draws; the heart is a shard of its own."""

MADE = ("convert/{}_*", f"resample/{VIEW}/{{}}_*", f"detect/{VIEW}/{{}}_*", "*/unet/{}_*")
REPEATS = 5
SHARD = 7
"""Cases in one job, as in config.yaml."""

LEAST_OF_BARE = 0.8
MOST_SECONDS = 15.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HOME.parent / "shared" / "data" / "sunnybrook")
    parser.add_argument("--case", default="SCD0000101", help="a folder of SCD_IMAGES")
    parser.add_argument("--cores", default="2")
    parser.add_argument("--directory", type=Path, help="where to run and to leave the results; else a scratch folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.directory or Path(scratch)).resolve()
        prepare(folder, args.data.resolve(), args.case)
        slowest = time_study(folder, args.case, args.cores)
        least = time_shard(folder, args.case)
    if slowest > MOST_SECONDS or least < LEAST_OF_BARE:
        raise SystemExit(f"expected at most {MOST_SECONDS:.0f} s and at least {LEAST_OF_BARE} of the bare network")


def prepare(folder: Path, data: Path, case: str) -> None:
    """A source with this heart alone, and the configuration."""
    (folder / "source" / "SCD_IMAGES").mkdir(parents=True, exist_ok=True)
    link = folder / "source" / "SCD_IMAGES" / case
    if not link.exists():
        link.symlink_to(data / "SCD_IMAGES" / case)
    (folder / "teachers.yaml").write_text(json.dumps(TEACHERS))


def time_study(folder: Path, case: str, cores: str) -> float:
    """Median seconds from DICOM to volumes, after one run that also trains."""
    _workflow(folder, case, cores)
    seconds = []
    for _ in range(REPEATS):
        for pattern in MADE:
            for file in (folder / "results").glob(pattern.format(case)):
                file.unlink()
        seconds.append(_timed(lambda: _workflow(folder, case, cores)))
    told = read_image(folder / "results" / "convert" / f"{case}_cine.nii.gz").array_tzyx.shape
    every = " ".join(f"{one:.1f}" for one in seconds)
    print(
        f"{case}, {told[0]} frames, {told[1]} slices: {median(seconds):.1f} s from DICOM to volumes by snakemake ",
        end="",
    )
    print(f"on {cores} cores (median of {every})", flush=True)
    return median(seconds)


def time_shard(folder: Path, case: str) -> float:
    """The stage's images a second as a share of the bare network's: the median of several pairs."""
    shard = Shard(folder / "results", case)
    shard.run()  # what is loaded once in a process is loaded now
    pairs = [(_timed(shard.bare), _timed(shard.run), _timed(shard.loop)) for _ in range(REPEATS)]
    ratios = sorted(bare / stage for bare, stage, _ in pairs)
    bare_s, stage_s, loop_s = (min(column) for column in zip(*pairs, strict=True))
    rates = {"bare": shard.images / bare_s, "segment": shard.images / stage_s, "loop": shard.images / SHARD / loop_s}
    print("images/s: " + ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items()))
    print(f"segment is {median(ratios):.2f} of the bare network ({ratios[0]:.2f} to {ratios[-1]:.2f}), ", end="")
    print(f"{median(SHARD * loop / stage for _, stage, loop in pairs):.1f} times as fast as the loop over frames")
    whole_s = _timed(lambda: subprocess.run([sys.executable, "-m", "lvpipe", "segment", *shard.words], check=True))
    print(
        f"a job of {SHARD} cases, with the start of its process: {whole_s:.1f} s, {shard.images / whole_s:.0f} images/s"
    )
    return median(ratios)


class Shard:
    """A heart under several names, and the network that is applied to it."""

    def __init__(self, results: Path, case: str) -> None:
        config = load_config(_config())
        self._settings, self._window = config.segment, config.models[0].window
        self._labels = config.models[0].labels
        self._model = next((results / "train" / MODEL).glob("fold-*/model.safetensors"))
        self._view = read_image(results / "resample" / VIEW / f"{case}_cine.nii.gz")
        self._native = read_image(results / "convert" / f"{case}_cine.nii.gz")
        self._boxes = read_boxes(results / "detect" / VIEW / f"{case}_boxes.json")
        self._folder = results / "shard"
        names = [f"heart-{i}" for i in range(SHARD)]
        for kind in (f"resample/{VIEW}", "convert", f"detect/{VIEW}"):
            (self._folder / kind).mkdir(parents=True, exist_ok=True)
            for name in names:
                for file in (results / kind).glob(f"{case}_*"):
                    link = self._folder / kind / file.name.replace(case, name)
                    link.unlink(missing_ok=True)
                    link.symlink_to(file)
        self.words = [
            *("--models", str(self._model), "--cases", *names, "--code", "benchmark"),
            *("--views", str(self._folder / "resample" / VIEW), "--cines", str(self._folder / "convert")),
            *("--boxes", str(self._folder / "detect" / VIEW), "--out", str(self._folder / "segment")),
            *("--spool", str(self._folder / "spool"), "--window", self._window.canonical()),
            *("--labels", *self._labels),
            *("--settings", self._settings.canonical()),
        ]
        prepare_torch(self._settings)
        self._network = read_network(self._model)
        self._batches = self._make_batches()
        self.images = SHARD * len(self._windows())

    def run(self) -> None:
        """The stage as a job runs it."""
        segment.main(self.words)

    def bare(self) -> None:
        """The network on all batches, which are ready."""
        with torch.inference_mode():
            for _ in range(SHARD):
                for batch in self._batches:
                    compute(self._network, batch, self._settings.precision)

    def loop(self) -> None:
        """One case, slice by slice and frame by frame."""
        networks = [read_network(self._model)]
        seen = (self._window, self._labels, self._settings)
        frames, slices = self._native.array_tzyx.shape[:2]
        probs = np.zeros(self._native.array_tzyx.shape, np.uint8)
        for z in range(slices):
            boxes = replace(self._boxes, squares=self._boxes.squares[z : z + 1])
            for t in range(frames):
                view, native = (_only(image, t, z) for image in (self._view, self._native))
                (drawn,) = segment.draw_case(networks, view, native, boxes, *seen)
                probs[t, z] = drawn.array_tzyx[0, 0]
        drawn = Image(probs, self._native.affine, self._native.time_step_ms)
        write_images(self._folder / "loop.nii.gz", [drawn], slope=PROB_SLOPE)

    def _windows(self) -> np.ndarray:
        view = grid_within(self._view, self._native)
        windows = cut(self._view.array_tzyx, window_grids(self._boxes, self._window, view), view)
        return windows.reshape(-1, *windows.shape[2:])

    def _make_batches(self) -> list[torch.Tensor]:
        windows, size = self._windows(), self._settings.batch_images
        batches = (as_batch(windows[start : start + size]) for start in range(0, len(windows), size))
        return [scale(batch, self._window.intensities) for batch in batches]


def _only(image: Image, t: int, z: int) -> Image:
    return replace(image, array_tzyx=image.array_tzyx[t : t + 1, z : z + 1])


def _config() -> dict[str, object]:
    import yaml

    return dict(yaml.safe_load((HOME / "config.yaml").read_text()))


def _workflow(folder: Path, case: str, cores: str) -> None:
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", cores, "--directory", str(folder)]
    command += ["--snakefile", str(HOME / "Snakefile"), "--configfile", str(folder / "teachers.yaml")]
    command += ["--config", f"data_root={folder / 'source'}", "--", f"results/integrate/{MODEL}/{case}_volumes.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit((done.stdout + done.stderr)[-3000:])


def _timed(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
