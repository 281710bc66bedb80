"""Estimates beside references, and doubt beside errors: the charts of every model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvpipe.charts import Line
from lvpipe.files import read_table
from lvpipe.metrics import covers, pit, quantile_ml
from lvpipe.pages.figures import GROUPS, Point, bland_altman, coverage, pit_histogram, scatter, training_curves
from lvpipe.pages.markup import Html, fixed, note, section, tag
from lvpipe.pages.run import Outcome, Run
from lvpipe.tables import number

Floats = NDArray[np.float64]

_UNITS = {"EDV": "mL", "ESV": "mL", "EF": "%"}
_LEVELS = tuple(round(0.1 * n, 1) for n in range(1, 10))
_CENTRAL = (0.05, 0.95)
_FEW = 10
"""Fewer references than this make no histogram: those of all splits are taken."""

_NOWHERE = (float("nan"), float("nan"))


def volumes_section(run: Run) -> Html:
    """Scatter and Bland-Altman of EDV, ESV and EF, a row a model and kind of chart."""
    blocks: list[Html] = []
    for model in run.models:
        sets = [(kind, unit, list(_points(run, model, kind))) for kind, unit in _UNITS.items()]
        charts = [scatter(f"{kind}, {model}", unit, points) for kind, unit, points in sets]
        charts += [bland_altman(f"{kind} differences, {model}", unit, points) for kind, unit, points in sets]
        blocks.append(tag("div", *charts, class_="charts"))
    return section(
        "volumes",
        "Estimates against references",
        note(
            "Volumes are the means of their forecasts, whiskers their central 90 %; EF is that of the estimates. "
            "Dashed: agreement; in the lower row bias and limits of agreement (1.96 sd of the differences) of all "
            "shown cases. A dot leads to its case.",
        ),
        *blocks,
    )


def calibration_section(run: Run) -> Html:
    """Coverage by split and the histogram of where references fall."""
    rows = (tag("div", *_calibration(run, model), class_="charts") for model in run.models)
    return section(
        "calibration",
        "Is the doubt as large as it says?",
        note(
            "Left: of the central intervals of all forecasts, the share that holds the reference; below the line "
            "forecasts are too sure, above it too cautious. Right: level bars mean calibrated; full outer bars too "
            "sure, full middle bars too cautious, one full side biased."
        ),
        *rows,
    )


def training_section(run: Run) -> Html:
    """The watched Dice of every fold, where a model was trained here."""
    charts = []
    for model in run.models:
        folders = (run.root / "train" / model / f"fold-{fold}" for fold in range(run.folds))
        files = [path for folder in folders if (path := folder / "history.csv").exists()]
        lines = [_history(path.parent.name, path) for path in files]
        if lines:
            charts.append(training_curves(f"Training of {model}", lines))
    if not charts:
        return Html("")
    return section("training", "Training", tag("div", *charts, class_="charts"))


def _history(name: str, path: Path) -> Line:
    rows = read_table(path)
    return Line(name, [number(row["epoch"]) for row in rows], [number(row["watch_score"]) for row in rows])


def _points(run: Run, model: str, kind: str) -> Iterator[Point]:
    word = kind.lower()
    columns = ("ef_reference_percent", "ef_percent") if kind == "EF" else (f"{word}_reference_ml", f"{word}_mean_ml")
    for one in run.outcomes:
        reference, estimate = (one.values[column] for column in columns)
        if one.model == model and np.isfinite(reference) and np.isfinite(estimate):
            group = "fallback" if "fallback" in one.flags else one.split
            title = f"{one.case} ({one.cohort}, {one.split}): {fixed(estimate)}, reference {fixed(reference)}"
            span = _NOWHERE if kind == "EF" else _span(run, one, kind)
            yield Point(group, reference, estimate, title, run.link(one.case), span)


def _span(run: Run, outcome: Outcome, kind: str) -> tuple[float, float]:
    forecast = run.forecast(outcome, kind)
    if forecast is None:
        return _NOWHERE
    low, high = (float(quantile_ml(forecast[None], share)[0]) for share in _CENTRAL)
    return low, high


def _calibration(run: Run, model: str) -> Iterator[Html]:
    known: dict[str, list[tuple[float, Floats]]] = {}
    for one in run.outcomes:
        for kind in ("EDV", "ESV"):
            reference, forecast = one.values[f"{kind.lower()}_reference_ml"], run.forecast(one, kind)
            if one.model == model and np.isfinite(reference) and forecast is not None:
                known.setdefault(one.split, []).append((reference, forecast))
    splits = [split for split in run.splits if split in known]
    yield coverage(f"Coverage, {model}", {split: _covered(known[split]) for split in splits})
    chosen, pairs = "all", [pair for split in splits for pair in known[split]]
    if splits and len(known[splits[0]]) >= _FEW:
        chosen, pairs = splits[0], known[splits[0]]
    values = pit(np.array([f for _, f in pairs]), [r for r, _ in pairs]).tolist() if pairs else []
    yield pit_histogram(f"Reference in its forecast, {model}, {chosen}", values, GROUPS.get(chosen, ""))


def _covered(pairs: Sequence[tuple[float, Floats]]) -> list[tuple[float, float]]:
    references, forecasts = np.array([r for r, _ in pairs]), np.stack([f for _, f in pairs])
    inside = [(level, float(covers(forecasts, references, level).mean())) for level in (*_LEVELS, 0.95)]
    return [(0.0, 0.0), *inside, (1.0, 1.0)]
