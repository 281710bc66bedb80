"""published.csv: each figure of a paper with ours beside it, and what ours was measured on."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from lvpipe.comparison.measures import Asked, Found, Row, Tables
from lvpipe.config.cohorts import RESERVED

PUBLISHED: Final = (
    *("place", "quantity", "arm", "set", "published"),
    *("table", "where", "measure", "column", "against", "note"),
)
"""Columns of a table in lvpipe/published.

`where` has words `name=value` or `name=1..25` that rows have to fit, `note` what a reader has to know; where `table` is
empty, it is the reason why there is no figure of ours. With a word `over=model` a figure is divided by that model's.
"""

OVER: Final = "over"

COMPARED: Final = (
    *("paper", "place", "quantity", "arm", "set", "published", "ours"),
    *("model", "measured_on", "rows", "note"),
)


def compare(
    papers: Mapping[str, Sequence[Row]], tables: Tables, models: Collection[str], cohorts: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    """Rows of published.csv; `cohorts` tells where the cases of each come from."""
    for paper, rows in papers.items():
        for row in rows:
            known = {name: row[name] for name in PUBLISHED[:5]}
            yield dict.fromkeys(COMPARED) | {"paper": paper, **known} | _ours(row, tables, models, cohorts)


def _ours(row: Row, tables: Tables, models: Collection[str], cohorts: Mapping[str, str]) -> dict[str, Any]:
    if not row["table"]:
        return {"note": row["note"]}
    where = dict(word.split("=", 1) for word in row["where"].split())
    over = where.pop(OVER, None)
    model = where["model"]
    mine = {"model": model if over is None else f"{model} : {over}", "note": row["note"]}
    for name in filter(None, (model, over)):
        if name.removeprefix("step:") not in (*models, *RESERVED):
            return mine | {"note": f"this run has no model {name}"}
    found = _find(row, tables, where)
    below = 1.0 if over is None else _find(row, tables, where | {"model": over}).value
    value = found.value / (below or math.nan)
    if math.isnan(value):
        return mine | {"note": f"too few figures in this run fit {row['where']}: {len(found.rows)}"}
    return mine | {"ours": value, "measured_on": _measured_on(found, cohorts), "rows": len(found.rows)}


def _find(row: Row, tables: Tables, where: Mapping[str, str]) -> Found:
    return tables.find(Asked(row["table"], where, row["measure"], row["column"], row["against"]))


def _measured_on(found: Found, cohorts: Mapping[str, str]) -> str:
    """Whose cases the rows are of; of none where they were computed."""
    rows = (row for row in found.rows if "cohort" in row)
    sets = dict.fromkeys((row["cohort"], row.get("split") or row.get("set", "")) for row in rows)
    return "; ".join(f"{cohort} ({cohorts.get(cohort, 'several')}), {part}" for cohort, part in sets) or "computed"
