"""`detect locator`: a network learns to find the heart's middle and size in a whole slice."""

from collections.abc import Sequence
from dataclasses import asdict

from lvpipe.config.detect import LocatorSettings
from lvpipe.detection.lessons import read_lessons
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.training import share_out, taught, teaching_parser, training_key
from lvpipe.files import write_table
from lvpipe.spool import Spool


def main(argv: Sequence[str]) -> None:
    """Look at every drawn slice, train, write the model and its history."""
    args = teaching_parser(__doc__, LocatorSettings).parse_args(argv)

    from lvpipe.learning.checkpoint import Checkpoint
    from lvpipe.learning.device import describe_machine, prepare_torch
    from lvpipe.learning.locating import Locating, examples_of, join
    from lvpipe.learning.loop import HISTORY, train
    from lvpipe.learning.weights import build_network, write_weights

    prepare_torch(args.settings, args.settings.seed)
    spool = Spool(args.spool)
    kept = spool.keep(training_key(args, describe_machine(args.settings)))
    parts = {lesson.case: examples_of(lesson) for lesson in read_lessons(taught(args), args.cines, args.margin)}
    learn, watch = (join(some) for some in share_out(parts, args.watch, args.cines))
    print(f"learning from {len(learn)} slices, watching {len(watch)}")
    network = build_network(NETWORKS["locator"], {})
    task = Locating(learn, watch, args.settings)
    history, best = train(network, task, args.settings, Checkpoint(kept / "checkpoint"))
    write_weights(args.model, best, {"network": NETWORKS["locator"], "options": {}})
    write_table(args.history, HISTORY, (asdict(row) for row in history))
    spool.release()
