"""`search`: which settings suit a network; what each trial came to, best first, and the best one as an overlay."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from lvpipe.arguments import stage_parser
from lvpipe.config.search import SearchOrder
from lvpipe.files import read_table, write_table, write_text
from lvpipe.searching.pictures import draw
from lvpipe.searching.settings import change_model, word
from lvpipe.searching.trials import Outcome, judge, rank

_FOUND = ("epochs", "ended", "best_epoch", "watch_loss", "watch_score")
"""Columns of trials.csv after the trial's name and its settings."""


def overlay(best: Outcome, order: SearchOrder) -> str:
    """`models` as the run has it, with the best trial's settings in the model that was searched for."""
    if best.ended == "diverged":
        models, said = list(order.models), "Every trial diverged: nothing is changed."
    else:
        models = [change_model(entry, best.values) if entry["name"] == order.model else entry for entry in order.models]
        said = f"Trial {best.trial}: watched score {best.watch_score:.4f}. Use: --configfile THE_RECIPE THIS_FILE"
    return f"# {said}\n{yaml.safe_dump({'models': models}, sort_keys=False)}"


def main(argv: Sequence[str]) -> None:
    """Read the history of every trial, write the table, the picture and the overlay."""
    parser = stage_parser(__doc__, SearchOrder, "table", "chart", "best")
    parser.add_argument("--histories", type=Path, nargs="+", required=True, help="of the trials, in their order")
    args = parser.parse_args(argv)
    order: SearchOrder = args.settings
    tried = zip(order.trials, args.histories, strict=True)
    outcomes = rank(judge(trial, read_table(history)) for trial, history in tried)
    write_table(args.table, ("trial", *order.space, *_FOUND), [_row(outcome) for outcome in outcomes])
    write_text(args.chart, draw(outcomes, order.space))
    write_text(args.best, overlay(outcomes[0], order))
    print(f"{len(outcomes)} trials, {sum(one.ended == 'diverged' for one in outcomes)} of them diverged")


def _row(outcome: Outcome) -> dict[str, object]:
    values = {path: word(value) for path, value in outcome.values.items()}
    return {"trial": outcome.trial, **values, **{name: getattr(outcome, name) for name in _FOUND}}
