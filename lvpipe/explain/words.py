"""Plain text for a terminal: lists cut short, counts, columns."""

import os
import sys
from collections.abc import Iterable, Sequence

_SHOWN = 2
"""Members of a long list that are named; the rest is counted."""
_VALUE_LENGTH = 60
"""Letters of a setting's value that are shown."""


def tell(lines: Iterable[str]) -> None:
    """Print lines; whoever reads only the first of them (`| head`) may close the pipe."""
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def shorten(text: str) -> str:
    """The beginning of a long value."""
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 3] + "..."


def some_of(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    named, more = ", ".join(names[:_SHOWN]), len(names) - _SHOWN
    return f"{named} and {more} more" if more > 0 else named


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where there is more than one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Lines whose cells stand below each other; the last cell may be as long as it is."""
    table = [list(row) for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return [
        indent + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
