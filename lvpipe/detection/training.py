"""What the steps that teach a network share: who is watched, and the key of an unfinished training."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from lvpipe.arguments import stage_parser
from lvpipe.config.base import Section
from lvpipe.errors import UserError
from lvpipe.provenance import digest, file_digest

T = TypeVar("T")


def teaching_parser(doc: str | None, settings: type[Section], *paths: str) -> ArgumentParser:
    """The options of every step that teaches a network."""
    parser = stage_parser(doc, settings, "cines", "model", "history", "spool", *paths)
    parser.add_argument("--learn", nargs="+", required=True, help="cases to learn from")
    parser.add_argument("--watch", nargs="+", required=True, help="cases that decide when to stop")
    parser.add_argument("--margin", type=float, required=True, help="side of a square over the heart's outer border")
    parser.add_argument("--code", required=True, help="digest of the code: a checkpoint belongs to it")
    return parser


def taught(args: Namespace) -> list[str]:
    """Every case that the training reads, once."""
    return list(dict.fromkeys(args.learn + args.watch))


def training_key(args: Namespace, machine: str, *others: Path) -> str:
    """All that the trajectory of a training depends on, the content of every input with it."""
    given = vars(args).items()
    words = {name: value for name, value in given if isinstance(value, str | int | float | list)}
    sections = {name: value.canonical() for name, value in given if isinstance(value, Section)}
    choices = {**words, **sections, "machine": machine}
    lessons = [args.cines / f"{case}_{name}.nii.gz" for case in taught(args) for name in ("cine", "reference")]
    return digest(json.dumps(choices, sort_keys=True), *(file_digest(path) for path in (*lessons, *others)))


def share_out(parts: Mapping[str, T], watch: Iterable[str], cines: Path) -> tuple[Sequence[T], Sequence[T]]:
    """What is learnt from and what is watched, of the cases that teach something.

    Where all that were to be watched teach nothing, the last of the others is watched: a broken case stops nothing.

    Raises:
        UserError: fewer than two cases teach something.
    """
    if len(parts) < 2:
        raise UserError(
            f"drawn hearts in {cines} for {len(parts)} cases; expected references of at least two: "
            f"see the ledgers in results/convert for what was rejected, or name other cohorts in `detect: masks`"
        )
    watched = [case for case in parts if case in set(watch)]
    if not watched or len(watched) == len(parts):
        watched = [list(parts)[-1]]
        print(f"watching {watched[0]}: of those that were to be watched, or of all others, nobody drew a heart")
    return [part for case, part in parts.items() if case not in watched], [parts[case] for case in watched]
