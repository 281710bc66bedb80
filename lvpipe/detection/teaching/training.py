"""What the steps that teach a network share: their options, their course, and the key of an unfinished training."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lvpipe.arguments import stage_parser
from lvpipe.config.base import Section
from lvpipe.detection.lessons import Lesson, read_lessons
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.teaching.examples import Examples, join
from lvpipe.digests import digest, file_digest
from lvpipe.files import write_table
from lvpipe.spool import Spool

if TYPE_CHECKING:
    from torch import nn

    from lvpipe.learning.task import Task


def teaching_parser(doc: str | None, settings: type[Section], *paths: str) -> ArgumentParser:
    """The options of every step that teaches a network."""
    parser = stage_parser(doc, settings, "cines", "model", "history", "spool", *paths)
    parser.add_argument("--learn", nargs="+", required=True, help="cases to learn from")
    parser.add_argument("--watch", nargs="+", required=True, help="cases that decide when to stop")
    parser.add_argument("--margin", type=float, required=True, help="side of a square over the heart's outer border")
    parser.add_argument("--code", required=True, help="digest of the code: a checkpoint belongs to it")
    return parser


def teach(
    part: str,
    args: Namespace,
    examples_of: Callable[[Iterator[Lesson]], dict[str, Examples]],
    task_of: "Callable[[Examples, Examples], Task]",
    network_of: "Callable[[Examples], nn.Module]",
    *others: Path,
) -> None:
    """Make examples of every drawn case, train, write the model of this part and its history.

    `network_of` is given what is learnt from; `others` are inputs beside the cases.
    """
    from lvpipe.learning.checkpoint import Checkpoint
    from lvpipe.learning.device import describe_machine, prepare_torch
    from lvpipe.learning.loop import HISTORY, train
    from lvpipe.learning.watching import settle_watched
    from lvpipe.learning.weights import write_weights

    prepare_torch(args.settings, args.settings.seed)
    spool = Spool(args.spool)
    kept = spool.keep(_training_key(args, describe_machine(args.settings), *others))
    parts = examples_of(read_lessons(taught(args), args.cines, args.margin))
    sides = settle_watched(list(parts), args.watch, args.cines, "heart", "`detect: masks`")
    learn, watch = (join(parts, cases) for cases in sides)
    print(f"learning from {len(learn)} examples of {len(sides[0])} cases, watching {len(watch)} of {len(sides[1])}")
    history, best = train(network_of(learn), task_of(learn, watch), args.settings, Checkpoint(kept / "checkpoint"))
    write_weights(args.model, best, {"network": NETWORKS[part], "options": {}})
    write_table(args.history, HISTORY, (asdict(row) for row in history))
    spool.release()


def taught(args: Namespace) -> list[str]:
    """Every case that the training reads, once."""
    return list(dict.fromkeys(args.learn + args.watch))


def _training_key(args: Namespace, machine: str, *others: Path) -> str:
    """All that the trajectory of a training depends on, the content of every input with it."""
    given = vars(args).items()
    words = {name: value for name, value in given if isinstance(value, str | int | float | list)}
    sections = {name: value.canonical() for name, value in given if isinstance(value, Section)}
    choices = {**words, **sections, "machine": machine}
    lessons = [args.cines / f"{case}_{name}.nii.gz" for case in taught(args) for name in ("cine", "reference")]
    return digest(json.dumps(choices, sort_keys=True), *(file_digest(path) for path in (*lessons, *others)))
