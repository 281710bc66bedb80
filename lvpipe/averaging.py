"""`segment average`: the mean of what several networks drew."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lvpipe.images import Image, passing_on, read_images, write_images
from lvpipe.probabilities import PROB_SLOPE, stored


def average(members: Sequence[Sequence[Image]]) -> list[Image]:
    """The mean of each label, as bytes: a list for each network, its labels in the same order."""
    return [
        replace(alike[0], array_tzyx=stored(np.mean([image.array_tzyx for image in alike], axis=0)))
        for alike in zip(*members, strict=True)
    ]


def main(argv: Sequence[str]) -> None:
    """Read what the networks drew, write the mean; a case that was rejected is passed on."""
    parser = argparse.ArgumentParser(prog="lvpipe segment average", description=__doc__)
    parser.add_argument("--probs", nargs="+", type=Path, required=True, help="one case, as each network drew it")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    with passing_on(args.out):
        write_images(args.out, average([read_images(path) for path in args.probs]), slope=PROB_SLOPE)
