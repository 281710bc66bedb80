"""Whether net4 can learn a few studies by heart, as Hsin and Danner asked of studies 1 to 25 (they did not reach zero).

    python benchmarks/overfitting.py --run FOLDER [--studies 25] [--minutes 5] [--filters 64 96 128] [--dense 1024]

Synthetic Kaggle studies stand in. Their prepared cines are made by the workflow in this folder and found there when the
script runs again. The same studies teach and are watched; as many epochs are planned as fit into the minutes, timed by
the first steps. In the folder stay `overfitting.csv` and `overfitting.svg`, its curve. Printed is, of EDV and
of ESV, the root of the mean squared error beside the labels' own standard deviation; it should be below 25 % of that.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lvpipe.config.regress import RegressSettings
from lvpipe.config.train import TrainSettings, VolumeTeaching
from lvpipe.config.window import Window
from lvpipe.files import read_table, write_table
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.loop import HISTORY, train
from lvpipe.learning.stacks import Stacks, store_stacks
from lvpipe.learning.telling import tell_volumes
from lvpipe.learning.telling_volumes import TellingVolumes
from lvpipe.learning.weights import build_network

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "hsin2016.yaml"
ENOUGH_PERCENT = 25
"""Of the labels' standard deviation."""

VIEW = "preprocessed"


def main() -> None:
    """Make the studies, learn them, print what was reached."""
    args = _arguments()
    window = Window(side_px=128, intensities="unit", images=args.images, deltas=args.deltas)
    stacks = _make_stacks(args, window)
    options = {"channels": args.channels, "filters": args.filters, "dense": args.dense}
    settings = _settings(args)
    prepare_torch(settings, settings.seed)
    task = TellingVolumes(stacks, stacks.cases, stacks.cases, settings, window, args.channels)
    settings = task.settings = _planned(settings, task, build_network("net4", options), args.minutes)
    network = build_network("net4", options)
    task.start(network)
    with tempfile.TemporaryDirectory() as folder:
        history, kept = train(network, task, settings, Checkpoint(Path(folder) / "checkpoint"))
    write_table(args.run / "overfitting.csv", HISTORY, (asdict(row) for row in history))
    _draw_curve(args.run)
    network.load_state_dict(dict(kept))
    _print(network.eval(), stacks, window, settings, len(history))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of the studies and the curve")
    parser.add_argument("--studies", type=int, default=25)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--images", choices=("study_draw", "slice_cycle"), default="study_draw")
    parser.add_argument("--deltas", action="store_true", help="what moves, not the images")
    parser.add_argument("--channels", type=int, default=30)
    parser.add_argument("--filters", type=int, nargs=3, default=[64, 96, 128])
    parser.add_argument("--dense", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--cores", type=int, default=1)
    return parser.parse_args()


def _settings(args: argparse.Namespace) -> TrainSettings:
    return TrainSettings(
        batch_images=args.batch,
        optimiser="adam",
        learning_rate=args.learning_rate,
        weight_decay=0.0,
        schedule="constant",
        clip_norm=None,
        threads=args.cores,
        volumes=VolumeTeaching(turns="none"),
    )


def _make_stacks(args: argparse.Namespace, window: Window) -> Stacks:
    """The studies as the recipe prepares them, with the volumes that their sheet tells."""
    recipe = yaml.safe_load(RECIPE.read_text())
    overlay: dict[str, Any] = {
        "cohorts": [cohort for cohort in recipe["cohorts"] if cohort["name"] == "kaggle"],
        "models": [model for model in recipe["models"] if model["name"] == "net4-preprocessed"],
        "phantom": {"cohorts": {"kaggle": {"cases": {"train": args.studies}, "long_axis_frames": 0}}},
    }
    cases = [str(i + 1) for i in range(args.studies)]
    wanted = [f"results/resample/{VIEW}/{case}_cine.nii.gz" for case in cases]
    wanted += [f"results/detect/{VIEW}/{case}_boxes.json" for case in cases]
    _snakemake(args, overlay, [*wanted, "results/convert/cases.csv"])
    rows = {row["case"]: row for row in read_table(args.run / "results/convert/cases.csv")}
    volumes = {case: (float(rows[case]["edv_ml"]), float(rows[case]["esv_ml"])) for case in cases}
    folders = (args.run / "results" / place for place in (f"resample/{VIEW}", "convert", f"detect/{VIEW}"))
    return store_stacks(args.run / "stacks", cases, volumes, *folders, window)


def _snakemake(args: argparse.Namespace, overlay: dict[str, Any], targets: Sequence[str]) -> None:
    args.run.mkdir(parents=True, exist_ok=True)
    file = args.run / "overfitting.yaml"
    file.write_text(yaml.safe_dump(overlay))
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", str(args.cores), "--quiet", "all"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(args.run)]
    subprocess.run([*command, "--configfile", str(RECIPE), str(file)], check=True)


def _planned(settings: TrainSettings, task: TellingVolumes, network: Any, minutes: float) -> TrainSettings:
    """As many epochs as the second step's time leaves room for; the first one is warming up."""
    batches = task.batches(np.random.default_rng(0))
    took_s = 0.0
    for _ in range(2):
        started_s = time.perf_counter()
        task.loss(network, next(batches)).backward()
        took_s = time.perf_counter() - started_s
    epochs = max(1, int(60 * minutes / (took_s * task.size.steps * 2)))  # watching and the optimiser take as long again
    print(f"{took_s:.2f} s a step of {settings.batch_images} examples, {epochs} epochs", flush=True)
    return settings.model_copy(update={"epochs": epochs, "patience": epochs})


def _draw_curve(folder: Path) -> None:
    curve = ("--history", str(folder / "overfitting.csv"), "--out", str(folder / "overfitting.svg"))
    subprocess.run([sys.executable, "-m", "lvpipe", "report", "curve", *curve], check=True)


def _print(network: Any, stacks: Stacks, window: Window, settings: TrainSettings, epochs: int) -> None:
    told, known = [], []
    applied = RegressSettings(threads=settings.threads)
    for case in stacks.cases:
        stack = stacks.read(case)
        told.append(tell_volumes([network], case, stack.windows_tzyx, window, applied)[:2])
        known.append((stack.edv_ml, stack.esv_ml))
    rmse, spread = np.sqrt(np.mean(np.subtract(told, known) ** 2, axis=0)), np.std(known, axis=0)
    print(f"{len(known)} studies, {epochs} epochs")
    for name, error_ml, sd_ml in zip(("EDV", "ESV"), rmse, spread, strict=True):
        share = 100 * error_ml / sd_ml
        verdict = "below" if share < ENOUGH_PERCENT else "not below"
        print(f"{name}: {error_ml:.1f} mL, {share:.0f} % of the labels' {sd_ml:.1f} mL: {verdict} {ENOUGH_PERCENT} %")


if __name__ == "__main__":
    main()
