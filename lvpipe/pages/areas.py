"""The page's part about areas: counted in masks and told by networks, beside those that were drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lvpipe.files import read_table
from lvpipe.pages.markup import Html, note, section, tag
from lvpipe.pages.run import in_order
from lvpipe.pages.tables import Cell, amount, table, words
from lvpipe.tables import number

_HEADS = ("split", "cohort", "slices of", "model", "slices", "bias mm²", "MAE mm²", "bias %", "MAE %", "r")


def read_area_files(paths: Sequence[Path]) -> Html:
    """The part of these files: the table and a picture of each head of areas; nothing where there is none."""
    rows = [row for path in paths if path.suffix == ".csv" for row in read_table(path)]
    pictures = [Html(path.read_text(encoding="utf-8")) for path in paths if path.suffix == ".svg"]
    return _section(rows, pictures) if paths else Html("")


def _section(rows: Sequence[Mapping[str, str]], pictures: Sequence[Html]) -> Html:
    order = in_order({row["split"] for row in rows})
    ranked = sorted(rows, key=lambda row: (order.index(row["split"]), row["cohort"], row["set"]))
    return section(
        "areas",
        "Areas against drawn references",
        note(
            "Drawn slices: all, those with a cavity, and blank ones; estimate minus reference, in mm² and in percent "
            "of the window that the model sees. Below, of a network with a head of areas, the same windows by its "
            "mask (P) and by its head (O), at the heart and beside it. ",
            tag("code", "results/areas.csv"),
        ),
        table(_HEADS, map(_cells, ranked), sortable=True),
        *pictures,
    )


def _cells(row: Mapping[str, str]) -> list[Cell]:
    figures = (
        ("slices", 0),
        ("bias_mm2", 1),
        ("mae_mm2", 1),
        ("bias_percent", 2),
        ("mae_percent", 2),
        ("pearson_r", 3),
    )
    texts = [words(row[name], "own" if name == "model" else "") for name in ("split", "cohort", "set", "model")]
    return [*texts, *(amount(number(row[name]), digits) for name, digits in figures)]
