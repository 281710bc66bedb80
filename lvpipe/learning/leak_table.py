"""The table of one fold of a model whose images were split regardless of patients."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from lvpipe.config.segment import SegmentSettings
from lvpipe.config.train import TrainSettings
from lvpipe.config.window import Window
from lvpipe.files import write_table
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.leaking import LEAK, judge, overlap
from lvpipe.learning.parts import Parts, divide
from lvpipe.learning.samples import store_samples
from lvpipe.learning.store import Samples, Store
from lvpipe.learning.watching import settle_watched
from lvpipe.learning.weights import read_network
from lvpipe.tables import SheetRow, read_cases


def write_leak(args: Namespace) -> None:
    """Judge the network on the images that it was not shown of its own patients, and on those of others."""
    segment = SegmentSettings.model_validate_json(args.segment)
    window = Window.model_validate_json(args.window)
    prepare_torch(segment)
    network = read_network(args.model).to(segment.device)
    sheet = read_cases(args.cases)
    with TemporaryDirectory() as scratch:
        cases = list(dict.fromkeys(args.learn + args.watch + args.others))
        store = store_samples(Path(scratch) / "samples", cases, args.cines, args.boxes, window)
        parts = _parts(store, args)
        learnt_from = _patients(parts.learn, sheet)
        others = store.samples([case for case in args.others if case in store.counts])
        rows = [
            {"model": args.name, "cohort": " ".join(args.cohorts), "fold": args.fold, "set": name}
            | overlap(_patients(part, sheet), learnt_from)
            | judge(network, part, args.labels, segment, window.intensities)
            for name, part in (("held-out-images", parts.held_out), ("held-out-patients", others))
        ]
    write_table(args.out, LEAK, rows)


def _parts(store: Store, args: Namespace) -> Parts:
    """As training divides them: the same cases give the same parts."""
    taught = set(args.learn + args.watch)
    drawn = [case for case, count in store.counts.items() if count and case in taught]
    learners, watched = settle_watched(drawn, args.watch, args.cines, "slice", "the model's `masks`")
    return divide(store, learners, watched, TrainSettings.model_validate_json(args.settings))


def _patients(samples: Samples, sheet: Mapping[str, SheetRow]) -> Sequence[str]:
    return [sheet[case].patient for case in samples.owners()]
