"""`train`: a network per fold, from the drawn slices and the reference volumes of the patients outside that fold."""

import importlib
import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvpipe.arguments import json_object, section_of, stage_parser
from lvpipe.cases import Labels
from lvpipe.config.integrate import IntegrateSettings
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.digests import digest, file_digest
from lvpipe.files import read_json, write_bytes, write_table
from lvpipe.labels import VALUES
from lvpipe.phantom.names import VOLUMES_OF_CASE
from lvpipe.reference_volumes import judged, taken
from lvpipe.spool import Spool

if TYPE_CHECKING:
    from torch import nn

    from lvpipe.learning.loop import Epoch
    from lvpipe.learning.sampled import SampledTask
    from lvpipe.learning.store import Samples
    from lvpipe.learning.task import Task


MEASURING = "lvpipe.learning.measuring_task"
"""What models with `volumes` need besides: the rule names it with their code."""


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
    parser.add_argument("--network", type=json.loads, required=True, help="JSON with `network`, `options`, `head`")
    parser.add_argument("--makes", choices=("prob", "areas", "volumes"), default="prob", help="what the network makes")
    parser.add_argument("--window", type=section_of(Window), required=True, metavar="JSON", help="what it sees")
    parser.add_argument("--labels", nargs="+", choices=VALUES, required=True, help="what the outputs stand for")
    parser.add_argument("--learn", nargs="*", default=[], help="cases whose masks it learns from")
    parser.add_argument("--watch", nargs="*", default=[], help="those that decide when to stop")
    parser.add_argument("--measure-learn", nargs="*", default=[], help="cases whose volumes it learns from")
    parser.add_argument("--measure-watch", nargs="*", default=[], help="those that decide when to stop")
    parser.add_argument(
        "--stated",
        type=json_object,
        default={},
        help="by case EDV, ESV and why they are left out, as its source states them; or a phantom's folder",
    )
    parser.add_argument("--ledgers", type=Path, help="folder of the ledgers, which say where slices lie")
    parser.add_argument(
        "--integrate",
        type=section_of(IntegrateSettings),
        default=IntegrateSettings(),
        metavar="JSON",
        help="how slices sum up",
    )
    parser.add_argument("--start", type=Path, nargs="?", help="a model whose weights it starts from")
    parser.add_argument(
        "--diverged",
        choices=("stop", "note"),
        default="stop",
        help="where a loss is no number: `stop` with an error; or `note` it in the history, with the best model so far "
        "or one of zero bytes: other trials of a search can still go on",
    )
    parser.add_argument("--code", required=True, help="digest of the code: a checkpoint belongs to it")
    return parser.parse_args(argv)


def _train(args: Namespace, kept: Path) -> "Sequence[Epoch]":
    """Write the model; its history, also of a training that diverged and may."""
    from lvpipe.learning.checkpoint import Checkpoint
    from lvpipe.learning.loop import Diverged, train
    from lvpipe.learning.weights import build_network, start_from, write_weights

    network = build_network(**args.network)
    task = _task(args, kept, network)
    if args.start:
        start_from(args.start, network, args.network)
    try:
        history, best = train(network, task, args.settings, Checkpoint(kept / "checkpoint"))
    except Diverged as error:
        if args.diverged == "stop":
            raise
        print(error)
        history, best = error.history, error.kept
    if best:
        write_weights(args.model, best, args.network)
    else:
        write_bytes(args.model, b"")
    return history


def _task(args: Namespace, kept: Path, network: "nn.Module") -> "Task":
    """What is to be learnt, of masks, of volumes, or of both."""
    masks = _drawing(args, kept) if args.learn else None
    if args.measure_learn:  # by name: how volumes teach is no part of what masks teach
        taught: Task = importlib.import_module(MEASURING).make_task(args, kept, network, masks, _volumes(args))
        return taught
    assert masks, "the configuration lets nobody learn from nothing"
    return masks


def _drawing(args: Namespace, kept: Path) -> "SampledTask[Samples]":
    """What masks teach, of the cases of which something is drawn."""
    from lvpipe.learning.locating import Locating
    from lvpipe.learning.parts import describe_parts, divide
    from lvpipe.learning.samples import store_samples
    from lvpipe.learning.segmenting import Segmenting
    from lvpipe.learning.watching import settle_watched

    store = store_samples(kept / "samples", _drawn(args), args.cines, args.boxes, args.window)
    drawn = [case for case, count in store.counts.items() if count]
    learners, watched = settle_watched(drawn, args.watch, args.cines, "slice", "the model's `masks`")
    parts = divide(store, learners, watched, args.settings)
    print(describe_parts(parts))
    seen = (parts.learn, parts.watch, args.settings, args.window.intensities)
    if args.makes == "areas":
        return Locating(*seen)
    volumes = args.settings.volumes
    headed = bool(args.measure_learn) and volumes.by == "areas"
    return Segmenting(*seen, args.labels, volumes.areas_weight if headed else 0.0)


def _volumes(args: Namespace) -> dict[str, Labels]:
    """EDV and ESV of the cases that teach by them, or why they are not taken; as the case sheet has them."""
    ledgers = {case: read_json(args.ledgers / f"{case}_cine.json") for case in _measured(args)}
    return {case: taken(_stated(args.stated[case]), ledger["reference"] or {}) for case, ledger in ledgers.items()}


def _stated(known: Any) -> Labels:
    if isinstance(known, str):
        return judged(**read_json(Path(known) / VOLUMES_OF_CASE))
    edv_ml, esv_ml, left_out = known
    return Labels(edv_ml, esv_ml, left_out=left_out)


def _drawn(args: Namespace) -> list[str]:
    return list(dict.fromkeys(args.learn + args.watch))


def _measured(args: Namespace) -> list[str]:
    return list(dict.fromkeys(args.measure_learn + args.measure_watch))


def _key(args: Namespace) -> str:
    """All that the trajectory of this training depends on, the content of every input with it.

    Not the whole case sheet, which changes with every new case: what it says of those that teach.
    """
    from lvpipe.learning.device import describe_machine

    sections = {name: getattr(args, name).canonical() for name in ("settings", "window", "integrate")}
    names = ("code", "network", "makes", "labels", "learn", "watch", "measure_learn", "measure_watch")
    words = {name: getattr(args, name) for name in names}
    volumes = {case: asdict(labels) for case, labels in _volumes(args).items()}
    choices = {**words, **sections, "machine": describe_machine(args.settings), "volumes": volumes}
    return digest(json.dumps(choices, sort_keys=True), *(file_digest(path) for path in _files(args)))


def _files(args: Namespace) -> Iterator[Path]:
    for case in dict.fromkeys(_drawn(args) + _measured(args)):
        yield args.cines / f"{case}_cine.nii.gz"
        yield args.boxes / f"{case}_boxes.json"
    yield from (args.cines / f"{case}_reference.nii.gz" for case in _drawn(args))
    yield from (args.ledgers / f"{case}_cine.json" for case in _measured(args))
    if args.start:
        yield args.start
