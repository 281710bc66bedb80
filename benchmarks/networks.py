"""Every network that draws, trained for the same few minutes on the same slices: parameters, seconds, Dice, IoU.

    python benchmarks/networks.py --run FOLDER --data FOLDER [--seconds 300] [--fold 0] [--cores 2] [--networks unet]

The folder of the run is that of a finished run of recipes/sunnybrook_slices.yaml: its cines, boxes and references are
used, and models called after the networks are added to it. As many epochs are planned for each network as its own
steps, timed first, leave room for; so the learning rate falls to zero within the time. One fold is trained, and its
held-out patients are scored, each network with its own defaults and one recipe for all: first tries, not limits.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import yaml

from lvpipe.cases import Case
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.explain.records import Records
from lvpipe.files import read_table
from lvpipe.network_options import list_drawing, read_source
from lvpipe.plan import Plan

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "sunnybrook_slices.yaml"
SIDES = (112, 96, 128, 48)
"""Of windows, in this order: the first that a network takes is its own."""

ROOM = 0.8
"""Share of the seconds that steps may take: the rest goes into start, reading and watching."""

TIMED = 4
"""Steps that are timed, after one that is not."""

HEADS = ("network", "parameters", "epochs", "images an epoch", "seconds", "slices", "mean Dice", "median", "mean IoU")


def main() -> None:
    """Time, train, score, print."""
    args = _arguments()
    raw = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(RECIPE.read_text())
    raw["data_root"] = str(args.data)
    plan = Plan(raw)
    start = raw["models"][0]
    images = _count_images(plan, start["name"], args)
    models = [_entry(start, network, plan, images, args.seconds) for network in args.networks or list_drawing()]
    held_out = [case for case in plan.cases.values() if case.held_out == str(args.fold)]
    _run(args, [start, *models], held_out)
    _print([_row(args, model, held_out, images) for model in models])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--data", type=Path, required=True, help="its data_root")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--networks", nargs="*", help="some; all if left out")
    return parser.parse_args()


def _count_images(plan: Plan, model: str, args: argparse.Namespace) -> int:
    """Slices that a network of this fold learns from."""
    learners = set(plan.learners(model, args.fold)[0])
    rows = read_table(args.run / "results" / "dice.csv")
    return len({(row["case"], row["frame"], row["slice"]) for row in rows if row["case"] in learners and row["slice"]})


def _entry(start: Mapping[str, Any], network: str, plan: Plan, images: int, seconds: float) -> dict[str, Any]:
    """A model with this network, and as many epochs as the seconds leave room for."""
    settings = TrainSettings.model_validate_json(plan.settings("train", start["name"]))
    side = next(side for side in SIDES if _takes(network, side))
    steps_s = _time_image(network, side, settings)
    count = max(settings.batch_images, int(ROOM * seconds / steps_s))
    epochs = max(1, count // images)
    print(f"{network}: {1000 * steps_s:.1f} ms an image of {side} px, {epochs} epochs", flush=True)
    train = {"epochs": epochs, "patience": epochs, "epoch_images": min(images, count)}
    window = {**Window.model_validate(start["window"]).model_dump(), "side_px": side}
    options = start.get("options", {}) if network == start["network"] else {}
    entry = {"name": network.replace("_", "-"), "network": network, "options": options, "window": window}
    return {**start, **entry, "overrides": {**start.get("overrides", {}), "train": train}}


def _takes(network: str, side: int) -> bool:
    source = read_source(network)
    return side == source.said["SIDE"] if "SIDE" in source.said else side % source.multiple({}) == 0


def _time_image(network: str, side: int, settings: TrainSettings) -> float:
    """Seconds that a training step takes for one image."""
    import torch

    from lvpipe.learning.batches import compute_logits
    from lvpipe.learning.device import prepare_torch
    from lvpipe.learning.weights import build_network

    prepare_torch(settings, settings.seed)
    built = build_network(network, {"outputs": 1}).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
    images = torch.rand(settings.batch_images, 1, side, side)
    took = []
    for _ in range(1 + TIMED):
        started = time.perf_counter()
        compute_logits(built, images, settings.precision).square().mean().backward()
        took.append(time.perf_counter() - started)
    return median(took[1:]) / settings.batch_images


def _run(args: argparse.Namespace, models: Sequence[Mapping[str, Any]], held_out: Sequence[Case]) -> None:
    targets = [f"results/score/{model['name']}/{case.name}_dice.csv" for model in models[1:] for case in held_out]
    with tempfile.TemporaryDirectory() as folder:
        overlay = Path(folder) / "networks.yaml"
        overlay.write_text(yaml.safe_dump({"models": list(models), "data_root": str(args.data)}))
        command = [sys.executable, "-m", "snakemake", *targets, "--cores", str(args.cores), "--keep-going"]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(args.run), "--quiet", "all"]
        subprocess.run([*command, "--configfile", str(RECIPE), str(overlay)], check=False)


def _row(args: argparse.Namespace, model: Mapping[str, Any], held_out: Sequence[Case], images: int) -> tuple[str, ...]:
    from lvpipe.learning.weights import read_network

    name, train = model["name"], model["overrides"]["train"]
    file = f"results/train/{name}/fold-{args.fold}/model.safetensors"
    record = Records(args.run).read(file)
    if record is None or not (args.run / file).exists():
        return (name, *["-"] * (len(HEADS) - 2), "not trained: see logs/train")
    rows = [row for case in held_out for row in _slices(args.run / f"results/score/{name}/{case.name}_dice.csv")]
    dice, iou = ([float(row[key]) for row in rows] for key in ("dice", "iou"))
    parameters = sum(one.numel() for one in read_network(args.run / file).parameters())
    learnt = f"{train['epochs']}", f"{min(images, train['epoch_images'])}", f"{record.ended - record.started:.0f}"
    return (
        name,
        f"{parameters:,}",
        *learnt,
        str(len(rows)),
        f"{mean(dice):.3f}",
        f"{median(dice):.3f}",
        f"{mean(iou):.3f}",
    )


def _slices(path: Path) -> Iterator[dict[str, str]]:
    """The drawn slices of a case in which anyone drew a cavity."""
    return (row for row in read_table(path) if row["slice"] and row["label"] == "cavity" and row["dice"])


def _print(rows: Sequence[Sequence[str]]) -> None:
    ordered = sorted(rows, key=lambda row: row[-3], reverse=True)
    widths = [max(len(row[i]) for row in [HEADS, *ordered]) for i in range(len(HEADS))]
    for row in [HEADS, *ordered]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    main()
