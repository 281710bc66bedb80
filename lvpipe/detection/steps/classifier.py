"""`detect classifier`: a network learns to tell the heart's square from others that the cascade proposes."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from lvpipe.arguments import section_of
from lvpipe.config.detect import ClassifierSettings, ProposalSettings
from lvpipe.detection.lessons import read_lessons
from lvpipe.detection.parts import NETWORKS
from lvpipe.detection.training import share_out, taught, teaching_parser, training_key
from lvpipe.files import write_table
from lvpipe.spool import Spool


def main(argv: Sequence[str]) -> None:
    """Cut squares from every drawn slice, train, write the model and its history."""
    parser = teaching_parser(__doc__, ClassifierSettings, "cascade")
    parser.add_argument("--proposals", type=section_of(ProposalSettings), required=True, metavar="JSON")
    args = parser.parse_args(argv)

    from lvpipe.detection.cascade.proposals import propose
    from lvpipe.detection.examples import join, make_examples
    from lvpipe.learning.checkpoint import Checkpoint
    from lvpipe.learning.deciding import Deciding, fresh_network
    from lvpipe.learning.device import describe_machine, prepare_torch
    from lvpipe.learning.loop import HISTORY, train
    from lvpipe.learning.weights import write_weights

    prepare_torch(args.settings, args.settings.seed)
    spool = Spool(args.spool)
    kept = spool.keep(training_key(args, describe_machine(args.settings), args.cascade))
    lessons = read_lessons(taught(args), args.cines, args.margin)
    proposed = partial(propose, [args.cascade], settings=args.proposals)
    parts = make_examples(lessons, args.settings.slice_images, proposed, args.settings.seed)
    learn, watch = (join(some) for some in share_out(parts, args.watch, args.cines))
    print(f"learning from {len(learn)} squares, watching {len(watch)}")
    task = Deciding(learn, watch, args.settings)
    history, best = train(fresh_network(learn), task, args.settings, Checkpoint(kept / "checkpoint"))
    write_weights(args.model, best, {"network": NETWORKS["classifier"], "options": {}})
    write_table(args.history, HISTORY, (asdict(row) for row in history))
    spool.release()
