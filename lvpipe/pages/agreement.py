"""Estimates beside references: the charts of every model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lvpipe.charts import Line
from lvpipe.files import read_table
from lvpipe.forecasting.joint import EF_CUTS_PERCENT
from lvpipe.metrics import quantile_ml
from lvpipe.pages.figures import Point, bland_altman, scatter, training_curves
from lvpipe.pages.markup import Html, fixed, note, section, tag
from lvpipe.pages.run import Outcome, Run
from lvpipe.tables import number

_UNITS = {"EDV": "mL", "ESV": "mL", "EF": "%"}
_CLASSES = {"EF": (0.0, *map(float, EF_CUTS_PERCENT), 100.0)}
_CENTRAL = (0.05, 0.95)
_NOWHERE = (float("nan"), float("nan"))


def volumes_section(run: Run) -> Html:
    """Scatter and Bland-Altman of EDV, ESV and EF, a row a model and kind of chart."""
    blocks: list[Html] = []
    for model in run.models:
        sets = [(kind, unit, list(_points(run, model, kind))) for kind, unit in _UNITS.items()]
        charts = [scatter(f"{kind}, {model}", unit, points, _CLASSES.get(kind, ())) for kind, unit, points in sets]
        charts += [bland_altman(f"{kind} differences, {model}", unit, points) for kind, unit, points in sets]
        blocks.append(tag("div", *charts, class_="charts"))
    return section(
        "volumes",
        "Estimates against references",
        note(
            "Means of forecasts, whiskers of volumes their central 90 %. Of EF, dots in a shaded square are of the "
            "right class (cuts at 35, 45, 55 and 73 %). Dashed: agreement; in the lower row bias and limits of "
            "agreement (1.96 sd of the differences) of all shown cases. A dot leads to its case.",
        ),
        *blocks,
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
    unit = "percent" if kind == "EF" else "ml"
    columns = f"{word}_reference_{unit}", f"{word}_mean_{unit}"
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
