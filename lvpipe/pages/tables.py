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


def ranged(value: float, low: float, high: float, digits: int = 1, class_: str = "") -> Cell:
    """A number with the ends of its interval, where these are known; sorted by the number."""
    known = math.isfinite(low) and math.isfinite(high)
    doubt = tag("small", f" {fixed(low, digits)} to {fixed(high, digits)}") if known else ""
    return Cell(join([fixed(value, digits), doubt]), _key(value), numeric=True, class_=class_)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    spans: Sequence[tuple[str, int]] = (),
    sortable: bool = False,
    name: str | None = None,
) -> Html:
    """A table whose heads stand as the cells below them do, under `spans` of columns that belong together.

    `sortable` ones answer to clicks where scripts run.
    """
    body = list(rows)
    sides = [any(row[place].numeric for row in body) for place in range(len(heads))]
    titles = zip(heads, sides, strict=True)
    head = tag("tr", *(tag("th", word, class_="n" if right else None, scope="col") for word, right in titles))
    above = tag("tr", *(tag("th", word, colspan=width) for word, width in spans)) if spans else Html("")
    lines = (tag("tr", *(_cell(cell, sortable) for cell in row)) for row in body)
    names = "sortable" if sortable else None
    inner = tag(
        "table", tag("thead", above, head, class_="two" if spans else None), tag("tbody", *lines), id=name, class_=names
    )
    return tag("div", inner, class_="scroll")


def _cell(cell: Cell, sortable: bool) -> Html:
    names = " ".join(name for name in ("n" if cell.numeric else "", cell.class_) if name)
    return tag("td", cell.shown, class_=names or None, data_sort=cell.sort if sortable else None)


def _key(value: float) -> float:
    return round(value, 6) if math.isfinite(value) else -1e9
