"""The page's part about doubt: coverage, where references fall in their forecasts, and whether chances come true."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lvpipe.metrics import covers
from lvpipe.pages.figures import GROUPS, coverage, pit_histogram, reliability_diagram
from lvpipe.pages.markup import Html, note, section, tag
from lvpipe.pages.rankings import Told, ranking
from lvpipe.pages.run import Run
from lvpipe.tables import number

Row = Mapping[str, str]
Floats = NDArray[np.float64]

_LEVELS = tuple(round(0.1 * n, 1) for n in range(1, 10))
_FEW = 10
"""Fewer references than this make no histogram: the set with the most is shown."""

_CLAIMED_PERCENT = 90.0

_BEFOREHAND = ("slices", "age", "sex", "forecast EF", "forecast volume")
"""Kinds of cases that are known without the reference: of these, intervals have to hold what they say."""


def calibration_section(run: Run) -> Html:
    """Four charts a model."""
    return section(
        "calibration",
        "Is the doubt as large as it says?",
        note(
            tag("b", "Coverage"),
            ": of the central intervals of all forecasts, the share that holds the reference; below the line forecasts "
            "are too sure, above it too cautious. ",
            tag("b", "Reference in its forecast"),
            ": level bars mean calibrated; full outer bars too sure, full middle bars too cautious, one full side "
            "biased. ",
            tag("b", "Reliability"),
            ": of all times that a chance was given (a volume of at most n mL, at every n; an EF below 35, 45, 55 or "
            "73 %), how often it came true. ",
            tag("b", "Kinds of cases"),
            ": coverage of 90 % intervals with its own 95 % interval. Groups by the reference itself hold those whose "
            "error had one sign, and no forecast can cover 90 % of each. ",
            tag("code", "results/score/forecasts/"),
        ),
        *(part for model in run.models for part in _of_model(run, model)),
    )


def _of_model(run: Run, model: str) -> Iterator[Html]:
    """Three charts, and folded away those by kinds of cases, which are long."""
    chosen = _chosen_set(run, model)
    found = [] if chosen is None else _calibration(run, model, *chosen)
    yield tag("div", coverage(f"Coverage, {model}", _observed(run, model)), *found, class_="charts")
    if chosen is not None:
        charts = tag("div", *_rankings(run, model, *chosen), class_="rankings")
        yield tag("details", tag("summary", f"90 % intervals of {model} by kinds of cases"), charts)


def _calibration(run: Run, model: str, cohort: str, split: str) -> Iterator[Html]:
    where = {"model": model, "cohort": cohort, "split": split}
    heights = [float(row["references"]) for row in _rows(run, "pit", where | {"volume": "both"})]
    yield pit_histogram(f"Reference in its forecast, {model}, {split}", heights, GROUPS.get(split, ""))
    kinds = {volume: _rows(run, "reliability", where | {"volume": volume}) for volume in ("EDV", "ESV", "EF")}
    diagrams = {volume: list(_points(rows)) for volume, rows in kinds.items()}
    yield reliability_diagram(f"Reliability, {model}, {split}", diagrams)


def _rankings(run: Run, model: str, cohort: str, split: str) -> Iterator[Html]:
    where = {"model": model, "cohort": cohort, "split": split}
    rows = [row for volume in ("both", "EDV", "ESV") for row in _rows(run, "coverage", where | {"volume": volume})]
    for words, beforehand in (("Known beforehand", True), ("By the reference", False)):
        told = list(_groups(rows, beforehand))
        yield ranking(f"{words}, {model}, {split}", "share of references within, %", told, _CLAIMED_PERCENT, 1)


def _chosen_set(run: Run, model: str) -> tuple[str, str] | None:
    """The first set of cases with enough references, else that with the most."""
    sizes = {
        (row["cohort"], row["split"]): int(row["cases"])
        for row in run.judged["decomposition"]
        if row["model"] == model and row["volume"] == "both"
    }
    known = [one for one in run.judged_sets if one in sizes]
    return next((one for one in known if sizes[one] >= _FEW), max(known, key=sizes.__getitem__, default=None))


def _groups(rows: Sequence[Row], beforehand: bool) -> Iterator[Told]:
    """Of single volumes what is grouped by volume alone: the rest stands under both."""
    for row in rows:
        whole = row["by"] == "all" or row["group"] == "unknown"
        if whole or (row["volume"] == "both") == row["by"].endswith("volume"):
            continue
        if (row["by"] in _BEFOREHAND) == beforehand:
            what = row["by"].replace("volume", row["volume"]).replace("slices", "")
            name = f"{what} {row['group']} ({row['cases']})".strip()
            shares = (100 * number(row[f"coverage_90{end}"]) for end in ("", "_low", "_high"))
            yield Told(name, *shares)


def _points(rows: Sequence[Row]) -> Iterator[tuple[float, float]]:
    for row in rows:
        if int(row["probabilities"]):
            yield number(row["mean_probability"]), number(row["came_true"])


def _rows(run: Run, name: str, wanted: Row) -> list[Row]:
    return [row for row in run.judged[name] if wanted.items() <= row.items()]


def _observed(run: Run, model: str) -> dict[str, list[tuple[float, float]]]:
    """By split the share of references within each central interval."""
    known: dict[str, list[tuple[float, Floats]]] = {}
    for one in run.outcomes:
        for kind in ("EDV", "ESV"):
            reference, forecast = one.values[f"{kind.lower()}_reference_ml"], run.forecast(one, kind)
            if one.model == model and np.isfinite(reference) and forecast is not None:
                known.setdefault(one.split, []).append((reference, forecast))
    return {split: _covered(known[split]) for split in run.splits if split in known}


def _covered(pairs: Sequence[tuple[float, Floats]]) -> list[tuple[float, float]]:
    references, forecasts = np.array([r for r, _ in pairs]), np.stack([f for _, f in pairs])
    inside = [(level, float(covers(forecasts, references, level).mean())) for level in (*_LEVELS, 0.95)]
    return [(0.0, 0.0), *inside, (1.0, 1.0)]
