"""`train`: a network per fold, from the drawn slices of the patients outside that fold."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lvpipe.arguments import stage_parser
from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.files import write_table

_HISTORY = ("epoch", "learning_rate", "train_loss", "watch_loss", "watch_dice", "best")


def main(argv: Sequence[str]) -> None:
    """Read samples, train, write the model and its history."""
    parser = stage_parser(__doc__, TrainSettings, "cines", "boxes", "model", "history")
    parser.add_argument("--network", type=json.loads, required=True, help="JSON with `network` and `options`")
    parser.add_argument("--learn", nargs="+", required=True, help="cases to learn from")
    parser.add_argument("--watch", nargs="+", required=True, help="cases that decide when to stop")
    args = parser.parse_args(argv)

    from lvpipe.learning.loop import prepare_torch, train
    from lvpipe.learning.samples import read_samples
    from lvpipe.learning.weights import build_network, write_weights

    prepare_torch(args.settings.threads, args.settings.seed)
    cases = [case for case in args.learn + args.watch if len(read_samples([case], args.cines, args.boxes))]
    learners, watched = _share_out(cases, args.watch, args.cines)
    learn, watch = (read_samples(names, args.cines, args.boxes) for names in (learners, watched))
    print(f"learning from {len(learn)} slices of {len(learners)} cases, watching {len(watch)} of {len(watched)}")
    history, best = train(build_network(args.network["network"], args.network["options"]), learn, watch, args.settings)
    write_weights(args.model, best, args.network)
    write_table(args.history, _HISTORY, (asdict(row) for row in history))


def _share_out(cases: Sequence[str], watch: Sequence[str], cines: Path) -> tuple[list[str], list[str]]:
    """Who is learnt from and who is watched, of the cases that have drawn slices.

    Where all that were to be watched were rejected, the last of the others is watched: a broken case stops nothing.
    """
    if len(cases) < 2:
        raise UserError(
            f"drawn slices in {cines} for {len(cases)} cases; expected references of at least two: "
            f"see the ledgers in results/convert for what was rejected, or name other cohorts in the model's `masks`"
        )
    watched = [case for case in cases if case in watch]
    if not watched or len(watched) == len(cases):
        print(f"watching {cases[-1]}: the cases that were to be watched, or all others, have no drawn slice")
        watched = [cases[-1]]
    return [case for case in cases if case not in watched], watched
