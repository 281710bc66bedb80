"""What reference volumes teach where nobody drew: recipes/teachers.yaml with several seeds, as tables in Markdown.

    python benchmarks/teachers.py --directory FOLDER [--seeds 1 2 3] [--cores 2]

A seed is that of the hearts and of the trainings; FOLDER/seed-N keeps its run, and what is there is not made again.
Of each pair of models, one learnt from contours alone, the other from the same contours and from the volumes of hearts
that nobody drew, of other scanners and diseases. Errors are those of the volumes as measured, before calibration.
"""

import argparse
import math
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import yaml

from lvpipe.config.phantom import PhantomOrder
from lvpipe.explain.records import Records
from lvpipe.files import read_table
from lvpipe.phantom.case import find_heart

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "teachers.yaml"
TARGETS = ("results/cases.csv", "results/dice.csv", "results/areas.csv")
DRAWN, MEASURED = "contours", "volumes"
"""The cohort with contours, and the one with volumes alone."""

PAIRS = (("hfcn-contours", "hfcn"), ("hfcn-contours", "hfcn-areas"), ("unet-contours", "unet-areas"))
"""Who learnt from contours alone, and who from volumes too: by what it draws, or by its head of areas."""

NEAR = 1
"""Frames that a picked one may be away from the reference."""

ERRORS = ("seed", "contours alone", "and volumes", "EDV", "ESV", "both", "EDV", "ESV", "both", "less by", "cases")
MASKS = ("seed", "model", "Dice, contoured cases", "frames within one", "minutes of training")
AREAS = ("seed", "model", "slices", "bias mm2", "MAE mm2")


@dataclass(frozen=True)
class Seed:
    """A finished run."""

    number: int
    folder: Path
    orders: Mapping[str, PhantomOrder]

    def table(self, name: str) -> list[dict[str, str]]:
        """One of its results."""
        return read_table(self.folder / "results" / name)


def main() -> None:
    """Run, read, print."""
    args = _arguments()
    seeds = [_run(args.directory / f"seed-{number}", number, args.cores) for number in args.seeds]
    _print("RMSE (mL), test split of the cohort with volumes alone", ERRORS, _errors(seeds))
    _print("Masks, frames, time", MASKS, [row for seed in seeds for row in _masks(seed)])
    _print("Areas of drawn slices, out of fold: drawn (P) and told (O)", AREAS, [r for s in seeds for r in _areas(s)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, required=True, help="where the runs lie")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--cores", type=int, default=2)
    return parser.parse_args()


def _run(folder: Path, number: int, cores: int) -> Seed:
    folder.mkdir(parents=True, exist_ok=True)
    overlay = folder / "seed.yaml"
    overlay.write_text(yaml.safe_dump({"phantom": {"seed": number}, "train": {"seed": number}}))
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--cores", str(cores)]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--quiet", "all"]
    subprocess.run([*command, "--configfile", str(RECIPE), str(overlay)], check=True)
    raw = yaml.safe_load(RECIPE.read_text())["phantom"]["cohorts"]
    orders = {name: PhantomOrder.model_validate({"seed": number, "cohort": cohort}) for name, cohort in raw.items()}
    return Seed(number, folder, orders)


def _errors(seeds: Sequence[Seed]) -> Iterator[tuple[str, ...]]:
    for plain, taught in PAIRS:
        gains = []
        for seed in seeds:
            before, after = (_estimates(seed, model) for model in (plain, taught))
            both = sorted(before.keys() & after.keys())
            left, right = (_rmse([one[case] for case in both]) for one in (before, after))
            gains.append(100 * (1 - right[-1] / left[-1]))
            errors = (f"{value:.1f}" for value in (*left, *right))
            yield (str(seed.number), plain, taught, *errors, f"{gains[-1]:.0f} %", str(len(both)))
        yield ("mean", plain, taught, *["" for _ in range(6)], f"{mean(gains):.0f} %", "")


def _estimates(seed: Seed, model: str) -> dict[str, tuple[float, float]]:
    """Errors of EDV and ESV of the test cases that the model measured."""
    return {
        row["case"]: (_error(row, "edv"), _error(row, "esv"))
        for row in seed.table("cases.csv")
        if (row["model"], row["cohort"], row["split"]) == (model, MEASURED, "test") and row["edv_ml"]
    }


def _error(row: Mapping[str, str], kind: str) -> float:
    return float(row[f"{kind}_ml"]) - float(row[f"{kind}_reference_ml"])


def _rmse(errors: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Of EDV, of ESV, of all together."""
    squares = [mean(one[kind] ** 2 for one in errors) for kind in (0, 1)]
    return math.sqrt(squares[0]), math.sqrt(squares[1]), math.sqrt(mean(squares))


def _masks(seed: Seed) -> Iterator[tuple[str, ...]]:
    stacks = [
        row for row in seed.table("dice.csv") if (row["label"], row["cohort"], row["slice"]) == ("cavity", DRAWN, "")
    ]
    for model in dict.fromkeys(row["model"] for row in seed.table("cases.csv")):
        dice = [float(row["dice"]) for row in stacks if row["model"] == model and row["dice"]]
        shown = f"{mean(dice):.4f}" if dice else ""
        yield (str(seed.number), model, shown, f"{100 * _near(seed, model):.1f} %", _minutes(seed, model))


def _near(seed: Seed, model: str) -> float:
    """Share of the frames taken for ED and ES that are the phantom's, or next to it in the cycle."""
    found = []
    for row in seed.table("cases.csv"):
        if row["model"] == model and row["cohort"] == MEASURED and row["ed_frame"]:
            heart = find_heart(MEASURED, seed.orders[MEASURED], row["case"])
            frames = len(heart.volumes_ml)
            for picked, known in ((row["ed_frame"], heart.ed_frame), (row["es_frame"], heart.es_frame)):
                away = (int(picked) - known) % frames
                found.append(min(away, frames - away) <= NEAR)
    return mean(found) if found else math.nan


def _minutes(seed: Seed, model: str) -> str:
    """Of all folds, one after the other; "" of a model that shares another's training."""
    files = sorted((seed.folder / "results" / "train" / model).glob("fold-*/model.safetensors"))
    records = (Records(seed.folder).read(file.relative_to(seed.folder).as_posix()) for file in files)
    spent = [(record.ended - record.started) / 60 for record in records if record]
    return f"{sum(spent):.1f}" if spent else ""


def _areas(seed: Seed) -> Iterator[tuple[str, ...]]:
    for row in seed.table("areas.csv"):
        if (row["cohort"], row["set"]) == (DRAWN, "all"):
            figures = (f"{float(row[name]):.1f}" for name in ("bias_mm2", "mae_mm2"))
            yield (str(seed.number), row["model"], row["slices"], *figures)


def _print(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
