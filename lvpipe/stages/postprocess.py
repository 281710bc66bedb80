"""`postprocess`: from probabilities to the mask that is counted."""

import argparse
import importlib
import json
from collections.abc import Sequence
from pathlib import Path

from lvpipe.arguments import add_options
from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.files import read_json, write_json
from lvpipe.images import passing_on, read_images, write_image
from lvpipe.labels import VALUES
from lvpipe.masks import make_mask


def chosen_settings(settings: PostprocessSettings, choices: Sequence[Path], held_out: str) -> PostprocessSettings:
    """The settings with what was chosen for the cases of a fold, or for `all` that are in none."""
    chosen = {name: value for path in choices for name, value in read_json(path)[held_out]["chosen"].items()}
    return PostprocessSettings(**{**settings.model_dump(), **chosen})


def main(argv: Sequence[str]) -> None:
    """`mask`: probabilities to a mask. `choose`: drawn cases to choices.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    mask = commands.add_parser("mask")
    add_options(mask, PostprocessSettings, "prob", "out")
    mask.add_argument("--labels", nargs="+", choices=VALUES, default=["cavity"], help="whose probabilities, in order")
    mask.add_argument("--choices", nargs="*", type=Path, default=[], help="the file of `choose`, if anything is chosen")
    mask.add_argument("--held-out", default="all", help="the fold whose choice counts")
    mask.set_defaults(run=_run_mask)
    choose = commands.add_parser("choose")
    add_options(choose, PostprocessSettings, "probs", "references", "out")
    choose.add_argument("--cases", type=json.loads, required=True, metavar="JSON", help="[[case, patient, fold], ...]")
    choose.add_argument("--folds", type=int, required=True, help="how many there are")
    choose.set_defaults(run=_run_choose)
    args = parser.parse_args(argv)
    args.run(args)


def _run_mask(args: argparse.Namespace) -> None:
    with passing_on(args.out):
        probs = dict(zip(args.labels, read_images(args.prob), strict=True))
        chosen = chosen_settings(args.settings, args.choices, args.held_out)
        for name in args.settings.choose:
            print(f"{name}: {getattr(chosen, name)} was chosen, {getattr(args.settings, name)} is in the settings")
        write_image(args.out, make_mask(probs, chosen))


def _run_choose(args: argparse.Namespace) -> None:
    """By name: how choices are made is no part of how masks are."""
    choosing = importlib.import_module("lvpipe.choosing")
    cases = list(choosing.read_drawn(args.cases, args.probs, args.references))
    write_json(args.out, choosing.choose(cases, args.settings, args.folds))
