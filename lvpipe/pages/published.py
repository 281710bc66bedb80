"""The page's part for a paper's recipe: what the paper reports, and what this run measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lvpipe.files import read_table
from lvpipe.pages.markup import Html, note, section, tag
from lvpipe.pages.tables import amount, table, words
from lvpipe.tables import number

_DIGITS = 4
"""Published pooled figures differ in the fourth decimal."""

_HEADS = ("paper", "place", "quantity", "arm", "published on", "published", "ours", "measured on", "note")


def read_published(paths: Sequence[Path]) -> Html:
    """The part of these files: tables and pictures; nothing where there is none."""
    rows = [row for path in paths if path.suffix == ".csv" for row in read_table(path)]
    pictures = [Html(path.read_text(encoding="utf-8")) for path in paths if path.suffix == ".svg"]
    return _section(rows, pictures) if paths else Html("")


def _section(rows: Sequence[Mapping[str, str]], pictures: Sequence[Html]) -> Html:
    return section(
        "published",
        "Published figures",
        note(
            "What a paper reports beside what this run measured in the same sense, and on whose cases: synthetic "
            "hearts stand in where a paper's data are not public. Pooled figures count the background, and an empty "
            "mask scores nearly 1: look at the rows beside them. ",
            tag("code", "results/published.csv"),
        ),
        table(
            _HEADS,
            (
                [
                    *(words(row[name]) for name in ("paper", "place", "quantity", "arm", "set")),
                    amount(number(row["published"]), _DIGITS),
                    amount(number(row["ours"]), _DIGITS, "own"),
                    *(words(row[name]) for name in ("measured_on", "note")),
                ]
                for row in rows
            ),
            sortable=True,
        ),
        *pictures,
    )
