"""Beside nnU-Net v2 (2D): the same drawn slices, the same folds of patients, as many seconds of training on processors.

    python benchmarks/nnunet.py --run FOLDER [--environment FOLDER] [--seconds 480] [--folds 0 1]
        [--pictures whole crops] [--batches planned 8]

The folder is that of a finished run of recipes/sunnybrook_slices.yaml; it is only read. nnU-Net is installed into an
environment of its own. It gets the slices as they came (`whole`), or the very windows that our network sees (`crops`,
about boxes found in the same folds); its batches are as large as it plans them, or of a number of images. It trains one
fold at a time with two threads, draws what was held out with its own mirroring, and is compared on the original pixels.
Ours are the rows of the run's dice.csv: trained as the workflow does it, one thread a fold.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image as Picture

from lvpipe.boxes import read_boxes
from lvpipe.config.cohorts import ModelEntry
from lvpipe.explain.records import Records
from lvpipe.files import read_json, read_table
from lvpipe.grids import Grid, carry, grid_of, grid_within
from lvpipe.images import is_rejected, read_image
from lvpipe.labels import CAVITY, NOT_ANNOTATED
from lvpipe.learning.weights import read_network
from lvpipe.metrics import dice
from lvpipe.windows import cut, window_grids

HOME = Path(__file__).parent
PACKAGES = (f"torch=={version('torch').partition('+')[0]}", "nnunetv2==2.8.1")
RECIPE = HOME.parent / "recipes" / "sunnybrook_slices.yaml"

DATASETS = {"whole": 101, "crops": 102}
PLANS = "nnUNetPlans"
THREADS = 2
HEADS = ("system", "fold", "training s", "steps x images", "parameters", "slices", "mean Dice", "median", "of ours")

Key = tuple[str, int, int]
"""Case, frame, slice."""


@dataclass(frozen=True)
class Drawn:
    """A slice that somebody drew, and its window."""

    key: Key
    fold: int
    image_yx: NDArray[Any]
    cavity_yx: NDArray[np.bool_]
    native: Grid
    window: Grid
    cropped_yx: NDArray[Any]
    cropped_cavity_yx: NDArray[np.bool_]

    @property
    def name(self) -> str:
        """What nnU-Net calls it."""
        return "{}_f{:02}_z{:02}".format(*self.key)

    def shown(self, pictures: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What nnU-Net gets to see, and the cavity in it."""
        return (self.image_yx, self.cavity_yx) if pictures == "whole" else (self.cropped_yx, self.cropped_cavity_yx)

    def dice(self, pictures: str, found_yx: NDArray[np.bool_]) -> float:
        """Dice of what nnU-Net found in it, on the pixels of the original image."""
        if pictures == "crops":
            found_yx = carry(found_yx[None].astype(np.float32), self.window, self.native)[0] > 0.5
        return dice(found_yx, self.cavity_yx)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a finished run of recipes/sunnybrook_slices.yaml")
    parser.add_argument("--environment", type=Path, help="of nnU-Net, 2 GB, made where it is missing; else temporary")
    parser.add_argument("--folder", type=Path, help="where nnU-Net works and leaves what it made; else a temporary one")
    parser.add_argument("--seconds", type=float, default=480, help="of training, each fold")
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--pictures", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--batches", nargs="+", default=["planned"], help="`planned`, or a number of images")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        environment = args.environment or Path(scratch) / "environment"
        install(environment)
        rival = Rival(environment.resolve(), (args.folder or Path(scratch) / "nnunet").resolve(), args.seconds)
        compare(Ours(args.run, ModelEntry.model_validate(yaml.safe_load(RECIPE.read_text())["models"][0])), rival, args)


class Ours:
    """A finished run: what it learnt from, and how well it drew what was held out."""

    def __init__(self, run: Path, model: ModelEntry) -> None:
        self._run, self._results, self._model = run, run / "results", model

    @cached_property
    def folds(self) -> dict[str, int]:
        """The fold that each case was held out in, of the cohorts that our network learns from."""
        rows = read_table(self._results / "convert" / "cases.csv")
        return {row["case"]: int(row["fold"]) for row in rows if row["fold"] and row["cohort"] in self._model.masks}

    @cached_property
    def drawn(self) -> list[Drawn]:
        """All drawn slices of all cases that were not rejected."""
        cases = [case for case in self.folds if not is_rejected(self._results / "convert" / f"{case}_cine.nii.gz")]
        return [drawn for case in cases for drawn in self._drawn(case)]

    @cached_property
    def dice(self) -> dict[Key, float]:
        """Dice of every drawn slice, by the model that never saw its patient."""
        rows = read_table(self._results / "dice.csv")
        mine = (row for row in rows if row["model"] == self._model.name and row["slice"] and row["dice"])
        return {(row["case"], int(row["frame"]), int(row["slice"])): float(row["dice"]) for row in mine}

    def training(self, fold: int) -> tuple[float, str, int]:
        """Seconds that the job took, steps and images of each, and how many numbers were learnt."""
        file = f"results/train/{self._model.name}/fold-{fold}/model.safetensors"
        record = Records(self._run).read(file)
        seconds = record.ended - record.started if record else float("nan")
        epochs = len(read_table((self._run / file).with_name("history.csv")))
        return seconds, f"{epochs} epochs", sum(one.numel() for one in read_network(self._run / file).parameters())

    def _drawn(self, case: str) -> Iterator[Drawn]:
        native = read_image(self._results / "convert" / f"{case}_cine.nii.gz")
        labels = read_image(self._results / "convert" / f"{case}_reference.nii.gz").array_tzyx
        prepared, prepared_labels = (
            read_image(self._results / "resample" / self._model.view / f"{case}_{what}.nii.gz")
            for what in ("cine", "reference")
        )
        view = grid_within(prepared, native)
        boxes = read_boxes(self._results / "detect" / self._model.view / f"{case}_boxes.json")
        grids = window_grids(boxes, self._model.window, view)
        windows = cut(prepared.array_tzyx, grids, view)
        cavities = cut(prepared_labels.array_tzyx, grids, view, how="nearest", fill=NOT_ANNOTATED) == CAVITY
        for t, z in np.argwhere((labels != NOT_ANNOTATED).any(axis=(2, 3))):
            yield Drawn(
                key=(case, int(t), int(z)),
                fold=self.folds[case],
                image_yx=native.array_tzyx[t, z],
                cavity_yx=labels[t, z] == CAVITY,
                native=grid_of(native),
                window=grids[z],
                cropped_yx=windows[t, z],
                cropped_cavity_yx=cavities[t, z],
            )


class Rival:
    """nnU-Net in its environment and its three folders, used by its own commands."""

    def __init__(self, environment: Path, folder: Path, seconds: float) -> None:
        self._programs, self._folder, self._seconds = environment / "bin", folder, seconds

    def plan(self, pictures: str, drawn: Sequence[Drawn], folds: Sequence[int]) -> None:
        """Export the slices, with the folds as splits; let nnU-Net plan and prepare."""
        name = _dataset(pictures)
        raw, ready = self._folder / "raw" / name, self._folder / "preprocessed" / name
        shutil.rmtree(raw, ignore_errors=True)
        export(raw, drawn, pictures)
        number = DATASETS[pictures]
        self._call("nnUNetv2_plan_and_preprocess", "-d", number, "-c", "2d", "-npfp", 1, "-np", 1, "--clean")
        splits = [
            {
                "train": [one.name for one in drawn if one.fold != fold],
                "val": [one.name for one in drawn if one.fold == fold],
            }
            for fold in range(max(folds) + 1)
        ]
        (ready / "splits_final.json").write_text(json.dumps(splits))

    def train(self, pictures: str, batch: str, fold: int) -> tuple[Path, dict[str, Any]]:
        """Train by the clock and draw what was held out: the folder of masks, and what the clock tells."""
        configuration = "2d" if batch == "planned" else self._with_batch(pictures, int(batch))
        name = _dataset(pictures)
        trained = self._folder / "results" / name / f"ClockTrainer__{PLANS}__{configuration}" / f"fold_{fold}"
        shutil.rmtree(trained, ignore_errors=True)
        prepared = self._folder / "preprocessed" / name
        self._call("python", HOME / "nnunet_trainer.py", prepared, configuration, fold, self._seconds)
        return trained / "validation", dict(read_json(trained / "clock.json"))

    def _with_batch(self, pictures: str, images: int) -> str:
        """The plan as it is, but for the size of its batches."""
        path, name = self._folder / "preprocessed" / _dataset(pictures) / f"{PLANS}.json", f"2d_{images}"
        plans = dict(read_json(path))
        plans["configurations"][name] = {"inherits_from": "2d", "batch_size": images}
        path.write_text(json.dumps(plans))
        return name

    def _call(self, program: str, *words: object) -> None:
        log = self._folder / "log.txt"
        command = [str(self._programs / program), *map(str, words)]
        with log.open("w") as stream:
            variables = self._variables()
            done = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False, env=variables)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}:\n{log.read_text()[-3000:]}")

    def _variables(self) -> dict[str, str]:
        folders = {f"nnUNet_{name}": str(self._folder / name) for name in ("raw", "preprocessed", "results")}
        processes = {"nnUNet_n_proc_DA": "1", "nnUNet_def_n_proc": "1", "OMP_NUM_THREADS": str(THREADS)}
        return {**os.environ, **folders, **processes}


def install(environment: Path) -> None:
    """nnU-Net and the torch that we use, where they are not there already."""
    if (environment / "bin" / "nnUNetv2_plan_and_preprocess").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin" / "pip", "install", "--quiet", *PACKAGES], check=True)


def export(folder: Path, drawn: Sequence[Drawn], pictures: str) -> None:
    """Slices as grey pictures, masks as pictures of 0 and 1, and what nnU-Net wants to know of them."""
    for kind in ("imagesTr", "labelsTr"):
        (folder / kind).mkdir(parents=True)
    for one in drawn:
        image_yx, cavity_yx = one.shown(pictures)
        Picture.fromarray(image_yx.astype(np.uint8)).save(folder / "imagesTr" / f"{one.name}_0000.png")
        Picture.fromarray(cavity_yx.astype(np.uint8)).save(folder / "labelsTr" / f"{one.name}.png")
    told = {"channel_names": {"0": "MRI"}, "labels": {"background": 0, "cavity": 1}, "file_ending": ".png"}
    (folder / "dataset.json").write_text(json.dumps({**told, "numTraining": len(drawn)}))


def compare(ours: Ours, rival: Rival, args: argparse.Namespace) -> None:
    """The table, a row as soon as it is known; at the end both over all folds."""
    print(" | ".join(HEADS), flush=True)
    held_out = {fold: [one for one in ours.drawn if one.fold == fold] for fold in args.folds}
    known = {one.key: ours.dice[one.key] for some in held_out.values() for one in some}
    for fold, some in held_out.items():
        _row("ours", fold, ours.training(fold), [known[one.key] for one in some])
    _row("ours", "all", None, list(known.values()))
    for pictures in args.pictures:
        rival.plan(pictures, ours.drawn, args.folds)
        for batch in args.batches:
            _compare(rival, pictures, batch, held_out, known)


def _compare(
    rival: Rival, pictures: str, batch: str, held_out: Mapping[int, Sequence[Drawn]], known: Mapping[Key, float]
) -> None:
    system, scores = f"nnU-Net, {pictures}, batches {batch}", []
    for fold, some in held_out.items():
        started_s = time.perf_counter()
        masks, told = rival.train(pictures, batch, fold)
        found = [one.dice(pictures, np.asarray(Picture.open(masks / f"{one.name}.png")) > 0) for one in some]
        training = (told["seconds"], f"{told['steps']} x {told['images']}", told["parameters"])
        _row(system, fold, training, found, [known[one.key] for one in some])
        print(f"  ({time.perf_counter() - started_s:.0f} s with loading and drawing)", flush=True)
        scores += found
    _row(system, "all", None, scores, list(known.values()))


def _row(
    system: str,
    fold: object,
    training: tuple[float, str, int] | None,
    found: Sequence[float],
    ours: Sequence[float] = (),
) -> None:
    seconds, steps, parameters = (f"{training[0]:.0f}", training[1], f"{training[2]:,}") if training else ("", "", "")
    figures = (len(found), f"{mean(found):.4f}", f"{median(found):.4f}")
    ratio = f"{mean(found) / mean(ours):.3f}" if ours else "1"
    print(" | ".join(map(str, (system, fold, seconds, steps, parameters, *figures, ratio))), flush=True)


def _dataset(pictures: str) -> str:
    return f"Dataset{DATASETS[pictures]}_{pictures}"


if __name__ == "__main__":
    main()
