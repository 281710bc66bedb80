"""`train`: a network per fold, from the drawn slices of the patients outside that fold."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lvpipe.arguments import stage_parser
from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.files import write_table

if TYPE_CHECKING:
    from lvpipe.learning.samples import Samples

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
    learn, watch = (read_samples(cases, args.cines, args.boxes) for cases in (args.learn, args.watch))
    _check(learn, args.learn, args.cines)
    _check(watch, args.watch, args.cines)
    print(f"learning from {len(learn)} slices of {len(args.learn)} cases, watching {len(watch)} of {len(args.watch)}")
    history, best = train(build_network(args.network["network"], args.network["options"]), learn, watch, args.settings)
    write_weights(args.model, best, args.network)
    write_table(args.history, _HISTORY, (asdict(row) for row in history))


def _check(samples: "Samples", cases: Sequence[str], cines: Path) -> None:
    if not len(samples):
        raise UserError(
            f"no drawn slice in {cines} for {', '.join(cases)}; expected references of at least one case: "
            f"see the ledgers in results/convert for what was rejected, or name other cohorts in the model's `masks`"
        )
