"""Tables of the page: numbers aligned, and every cell with the value by which it is sorted."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lvpipe.pages.markup import Html, fixed, join, tag


@dataclass(frozen=True)
class Cell:
    """What is shown, and what it is sorted by; `numeric` ones stand to the right."""

    shown: str
    sort: str | float
    numeric: bool = False
    class_: str = ""


def words(text: str, class_: str = "") -> Cell:
    """A cell of text."""
    return Cell(text, text, class_=class_)


def amount(value: float, digits: int = 1, class_: str = "") -> Cell:
    """A cell with a number; an unknown one is sorted below all others."""
    return Cell(fixed(value, digits), _key(value), numeric=True, class_=class_)


def spread(mean: float, sd: float, class_: str = "") -> Cell:
    """A mean with its standard deviation, sorted by the mean."""
    doubt = tag("small", " ± ", fixed(sd)) if math.isfinite(sd) else ""
    return Cell(join([fixed(mean), doubt]), _key(mean), numeric=True, class_=class_)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, id_: str | None = None, sortable: bool = False
) -> Html:
    """A table whose heads stand as the cells below them do. `sortable` ones answer to clicks where scripts run."""
    body = list(rows)
    numeric = [cell.numeric for cell in body[0]] if body else [False] * len(heads)
    head = tag(
        "tr", *(tag("th", h, class_="n" if n else None, scope="col") for h, n in zip(heads, numeric, strict=True))
    )
    lines = (tag("tr", *(_cell(cell, sortable) for cell in row)) for row in body)
    inner = tag("table", tag("thead", head), tag("tbody", *lines), id=id_, class_="sortable" if sortable else None)
    return tag("div", inner, class_="scroll")


def _cell(cell: Cell, sortable: bool) -> Html:
    names = " ".join(name for name in ("n" if cell.numeric else "", cell.class_) if name)
    return tag("td", cell.shown, class_=names or None, data_sort=cell.sort if sortable else None)


def _key(value: float) -> float:
    return round(value, 6) if math.isfinite(value) else -1e9
