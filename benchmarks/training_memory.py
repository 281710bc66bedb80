"""Training out of core: peak memory and speed from 100 to 1,140 studies, whose store is larger than the memory allowed.

    python benchmarks/training_memory.py [--scratch FOLDER]

A few synthetic cines, drawn in every slice of every frame, stand behind all study names as links. Each cohort is
trained on for two epochs by the real `python -m lvpipe train`. Beside its images/s stands the bare network's: forward,
backward and step on random tensors, without reading, augmenting or watching, measured before and after each training.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.images import Image, write_image
from lvpipe.labels import CAVITY

COHORTS = (100, 400, 1140)
CINES = 4
FRAMES, SLICES, MATRIX = 30, 10, 128
SIDE_PX = 80
"""With this box 1,140 studies make 4.4 GB: images and targets of 342,000 slices."""
WATCHED = 3
NETWORK = {"network": "unet", "options": {"channels": [8, 16, 32]}}
SETTINGS = TrainSettings(epochs=2, epoch_images=4000, batch_images=16, precision="float32")
BARE_STEPS = 60
MOST_GB = 2.0
_ENDINGS = ("cine.nii.gz", "reference.nii.gz", "boxes.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, help="folder for links and store, 5 GB free; else a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.scratch) as name:
        folder = Path(name)
        for i in range(CINES):
            make_case(folder / "cines", f"c{i}", i)
        print("studies  store GB  building s  peak MB  images/s  of the bare network's")
        peaks = [measure(folder, studies)["peak_mb"] for studies in COHORTS]
    print(f"peak memory at {COHORTS[-1]} studies is {peaks[-1] / peaks[0]:.2f} times that at {COHORTS[0]}")
    if max(peaks) > 1000 * MOST_GB:
        raise SystemExit(f"peak memory {max(peaks):.0f} MB; expected less than {MOST_GB} GB")


def make_case(folder: Path, case: str, seed: int) -> None:
    """A beating disk in noise, drawn everywhere."""
    random = np.random.default_rng(seed)
    t, z, y, x = np.ogrid[:FRAMES, :SLICES, :MATRIX, :MATRIX]
    radius = 22 + 6 * np.cos(2 * np.pi * t / FRAMES) - z
    cavity = np.hypot(y - MATRIX / 2, x - MATRIX / 2) < radius
    cine = np.clip(60 + 120 * cavity + random.normal(0, 12, cavity.shape), 0, 255).astype(np.uint8)
    affine = np.diag([1.5, 1.5, 8.0, 1.0])
    square = ((MATRIX - 1) / 2, (MATRIX - 1) / 2, float(SIDE_PX))
    write_image(folder / f"{case}_cine.nii.gz", Image(cine, affine, 30.0))
    write_image(folder / f"{case}_reference.nii.gz", Image(np.where(cavity, CAVITY, 0).astype(np.uint8), affine, 30.0))
    write_boxes(folder / f"{case}_boxes.json", Boxes("centre", 1.5, (square,) * SLICES))


def measure(folder: Path, studies: int) -> dict[str, float]:
    """Train on this many studies and print their row of the table."""
    cohort = folder / str(studies)
    cohort.mkdir()
    cases = [f"study-{i}" for i in range(studies)]
    for i, case in enumerate(cases):
        for ending in _ENDINGS:
            (cohort / f"{case}_{ending}").symlink_to(folder / "cines" / f"c{i % CINES}_{ending}")
    before = bare_images_per_s()
    found = train(cohort, cases)
    found["ratio"] = 2 * found["images_per_s"] / (before + bare_images_per_s())
    row = "{store_gb:8.2f}  {building_s:10.0f}  {peak_mb:7.0f}  {images_per_s:8.0f}  {ratio:.2f}".format(**found)
    print(f"{studies:7}  {row}", flush=True)
    return found


def train(cohort: Path, cases: list[str]) -> dict[str, float]:
    """Run the real command; watch its store, and ask the system for its peak memory when it has ended."""
    command = [sys.executable, "-m", "lvpipe", "train", "--cines", cohort, "--boxes", cohort]
    command += ["--learn", *cases[WATCHED:], "--watch", *cases[:WATCHED], "--network", json.dumps(NETWORK)]
    command += ["--model", cohort / "model.safetensors", "--history", cohort / "history.csv"]
    command += ["--spool", cohort / "spool", "--code", "benchmark", "--window", Window(side_px=SIDE_PX).canonical()]
    command += ["--settings", SETTINGS.canonical()]
    with (cohort / "log").open("w+") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=subprocess.STDOUT)
        building_s, store_bytes = _watch_store(cohort / "spool", process)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        told = log.read()
    if process.returncode:
        raise SystemExit(told[-3000:])
    rates = [int(rate) for rate in re.findall(r"(\d+) images/s", told)]
    return {
        "store_gb": store_bytes / 1e9,
        "building_s": building_s,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
        "images_per_s": sum(rates) / len(rates),
    }


def _watch_store(spool: Path, process: "subprocess.Popen[Any]") -> tuple[float, int]:
    """Seconds from a store's first file to the finished folder, and its size; the process is left to be waited for."""
    started_s = None
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):  # its usage is asked for later
        if started_s is None and any(spool.glob("*/samples.part")):
            started_s = time.perf_counter()
        if store := next(spool.glob("*/samples"), None):
            seconds = time.perf_counter() - (started_s or time.perf_counter())
            return seconds, sum(file.stat().st_size for file in store.iterdir())
        time.sleep(0.05)
    return 0.0, 0


def bare_images_per_s() -> float:
    """Forward, backward and step of the same network on random tensors, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _BARE], capture_output=True, text=True, check=True)
    return float(done.stdout)


_BARE = f"""
import time, torch
from lvpipe.config.train import TrainSettings
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.weights import build_network
prepare_torch(TrainSettings.model_validate_json({SETTINGS.canonical()!r}))
network = build_network(**{NETWORK!r}).to(memory_format=torch.channels_last)
optimiser = torch.optim.AdamW(network.parameters())
images = torch.rand({SETTINGS.batch_images}, 1, {SIDE_PX}, {SIDE_PX}).contiguous(memory_format=torch.channels_last)
for step in range({BARE_STEPS + 5}):
    if step == 5:  # the first ones prepare what later ones use
        started = time.perf_counter()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(network(images), (images > 0.5).float())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print({BARE_STEPS * SETTINGS.batch_images} / (time.perf_counter() - started))
"""


if __name__ == "__main__":
    main()
