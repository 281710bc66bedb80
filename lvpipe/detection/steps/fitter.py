"""`detect fitter`: a network learns to move and size a square to the heart that it nearly shows."""

from collections.abc import Sequence
from dataclasses import asdict

from lvpipe.config.detect import FitterSettings
from lvpipe.detection.lessons import read_lessons
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.training import share_out, taught, teaching_parser, training_key
from lvpipe.files import write_table
from lvpipe.spool import Spool


def main(argv: Sequence[str]) -> None:
    """Cut squares about those of every drawn slice, train, write the model and its history."""
    args = teaching_parser(__doc__, FitterSettings).parse_args(argv)

    from lvpipe.detection.fits import join_fits, make_fits
    from lvpipe.learning.checkpoint import Checkpoint
    from lvpipe.learning.device import describe_machine, prepare_torch
    from lvpipe.learning.fitting import Fitting
    from lvpipe.learning.loop import HISTORY, train
    from lvpipe.learning.weights import build_network, write_weights

    prepare_torch(args.settings, args.settings.seed)
    spool = Spool(args.spool)
    kept = spool.keep(training_key(args, describe_machine(args.settings)))
    lessons = read_lessons(taught(args), args.cines, args.margin)
    parts = make_fits(lessons, args.settings.slice_images, args.settings.seed)
    learn, watch = (join_fits(some) for some in share_out(parts, args.watch, args.cines))
    print(f"learning from {len(learn)} squares, watching {len(watch)}")
    network = build_network(NETWORKS["fitter"], {})
    task = Fitting(learn, watch, args.settings)
    history, best = train(network, task, args.settings, Checkpoint(kept / "checkpoint"))
    write_weights(args.model, best, {"network": NETWORKS["fitter"], "options": {}})
    write_table(args.history, HISTORY, (asdict(row) for row in history))
    spool.release()
