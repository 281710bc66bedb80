"""Which cases look odd, told without their references, and how many of the large errors are among them."""

from collections.abc import Mapping

from lvpipe.files import read_table
from lvpipe.pages.markup import Html, note, section, tag
from lvpipe.pages.run import Run
from lvpipe.pages.tables import Cell, amount, table, words
from lvpipe.tables import number

_COUNTS = ("cases", "large_errors", "outliers", "both")


def outliers_section(run: Run) -> Html:
    """Precision and recall of the flag, test first; nothing where no case has a reference."""
    rows = read_table(run.root / "score" / "forecasts" / "outliers.csv")
    if not rows:
        return Html("")
    rows.sort(key=lambda row: (run.splits.index(row["split"]), row["cohort"]))
    return section(
        "outliers",
        "Which cases look odd",
        note(
            "An outlier could not be measured, or its own forecasts give an error of more than 25 mL a greater chance "
            "than they do in nine of ten other cases. That is known before any reference is; precision is the share of "
            "outliers with such an error of EDV or ESV, recall the share of such errors that are outliers. ",
            tag("code", "results/score/forecasts/outliers.csv"),
        ),
        table(
            ("split", "cohort", "model", "cases", "errors over 25 mL", "outliers", "both", "precision %", "recall %"),
            map(_row, rows),
            sortable=True,
        ),
    )


def _row(row: Mapping[str, str]) -> list[Cell]:
    shares = [amount(100 * number(row[name]), 0) for name in ("precision", "recall")]
    counts = [amount(number(row[name]), 0) for name in _COUNTS]
    return [words(row["split"]), words(row["cohort"]), words(row["model"]), *counts, *shares]
