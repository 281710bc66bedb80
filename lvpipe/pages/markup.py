"""HTML from nested calls, in which plain text cannot become markup by accident.

Not a template: a template's file would be no part of the code digest, and a changed one would leave old pages standing.
"""

import math
from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "input", "br", "img"})
"""Elements that have no end tag."""

MINUS, MISSING = "\N{MINUS SIGN}", "\N{EN DASH}"
"""By name: in code they are easily taken for hyphens."""


class Html(str):
    """Text that is markup already; every other string is escaped where it enters a page."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | float | bool | None) -> Html:
    """One element. `class_` stands for class, `data_sort` for data-sort; None and False leave an attribute out."""
    words = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    start = f"<{name}{words}>"
    return Html(start if name in _VOID else f"{start}{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """Parts in a row, those that are no markup escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def fixed(value: float, digits: int = 1) -> str:
    """A number with these decimals and a real minus sign; a dash where there is none."""
    if not math.isfinite(value):
        return MISSING
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", MINUS)


def anchor(word: str) -> str:
    """An element's id for any text, different for different texts."""
    return "case-" + "".join(c if c.isascii() and (c.isalnum() or c in ".-") else f"_{ord(c):x}_" for c in word)


def section(id_: str, heading: str, *children: str) -> Html:
    """A part of the page that the navigation leads to."""
    return tag("section", tag("h2", heading), *children, id=id_)


def note(*children: str) -> Html:
    """What a reader has to know to read the figure beside it."""
    return tag("p", *children, class_="note")


def _attribute(key: str, value: str | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
