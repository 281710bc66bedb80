"""`train`: a network per fold, from the drawn slices of the patients outside that fold."""

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lvpipe.arguments import section_of, stage_parser
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.digests import digest, file_digest
from lvpipe.files import write_bytes, write_table
from lvpipe.labels import VALUES
from lvpipe.spool import Spool

if TYPE_CHECKING:
    from lvpipe.learning.loop import Epoch
    from lvpipe.learning.segmenting import Segmenting


def main(argv: Sequence[str]) -> None:
    """Put the samples on disk, train, write the model and its history."""
    args = _parse(argv)

    from lvpipe.learning.device import prepare_torch
    from lvpipe.learning.loop import HISTORY

    prepare_torch(args.settings, args.settings.seed)
    spool = Spool(args.spool)
    history = _train(args, spool.keep(_key(args)))
    write_table(args.history, HISTORY, (asdict(row) for row in history))
    spool.release()


def _parse(argv: Sequence[str]) -> Namespace:
    parser = stage_parser(__doc__, TrainSettings, "cines", "boxes", "model", "history", "spool")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON with `network` and `options`")
    parser.add_argument("--window", type=section_of(Window), required=True, metavar="JSON", help="what it sees")
    parser.add_argument("--labels", nargs="+", choices=VALUES, required=True, help="what the outputs stand for")
    parser.add_argument("--learn", nargs="+", required=True, help="cases to learn from")
    parser.add_argument("--watch", nargs="+", required=True, help="cases that decide when to stop")
    parser.add_argument(
        "--diverged",
        choices=("stop", "note"),
        default="stop",
        help="where no epoch has a finite loss: `stop` with an error; or `note` it in the history, with a model of "
        "zero bytes, since other trials of a search can still go on",
    )
    parser.add_argument("--code", required=True, help="digest of the code: a checkpoint belongs to it")
    return parser.parse_args(argv)


def _train(args: Namespace, kept: Path) -> "Sequence[Epoch]":
    """Write the model; its history, also of a training that diverged and may."""
    from lvpipe.learning.checkpoint import Checkpoint
    from lvpipe.learning.loop import Diverged, train
    from lvpipe.learning.weights import build_network, write_weights

    task = _task(args, kept)
    network = build_network(args.network["network"], args.network["options"])
    try:
        history, best = train(network, task, args.settings, Checkpoint(kept / "checkpoint"))
    except Diverged as error:
        if args.diverged == "stop":
            raise
        print(error)
        write_bytes(args.model, b"")
        return error.history
    write_weights(args.model, best, args.network)
    return history


def _task(args: Namespace, kept: Path) -> "Segmenting":
    """What is to be learnt, from the cases of which something is drawn."""
    from lvpipe.learning.parts import describe_parts, divide
    from lvpipe.learning.samples import store_samples
    from lvpipe.learning.segmenting import Segmenting
    from lvpipe.learning.watching import settle_watched

    store = store_samples(kept / "samples", _taught(args), args.cines, args.boxes, args.window)
    drawn = [case for case, count in store.counts.items() if count]
    learners, watched = settle_watched(drawn, args.watch, args.cines, "slice", "the model's `masks`")
    parts = divide(store, learners, watched, args.settings)
    print(describe_parts(parts))
    return Segmenting(parts.learn, parts.watch, args.settings, args.window.intensities, args.labels)


def _taught(args: Namespace) -> list[str]:
    return list(dict.fromkeys(args.learn + args.watch))


def _key(args: Namespace) -> str:
    """All that the trajectory of this training depends on, the content of every input with it."""
    from lvpipe.learning.device import describe_machine

    choices = {
        "code": args.code,
        "settings": args.settings.canonical(),
        "machine": describe_machine(args.settings),
        "network": args.network,
        "window": args.window.canonical(),
        "labels": args.labels,
        "learn": args.learn,
        "watch": args.watch,
    }
    folders = {"_cine.nii.gz": args.cines, "_reference.nii.gz": args.cines, "_boxes.json": args.boxes}
    paths = [folder / f"{case}{ending}" for case in _taught(args) for ending, folder in folders.items()]
    return digest(json.dumps(choices, sort_keys=True), *(file_digest(path) for path in paths))
