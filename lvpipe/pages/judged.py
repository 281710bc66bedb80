"""The page's part about how sure its figures are: intervals, differences, and what a CRPS is made of."""

from collections.abc import Mapping, Sequence

from lvpipe.pages.markup import Html, fixed, join, note, section, tag
from lvpipe.pages.rankings import Told, ranking
from lvpipe.pages.run import Run
from lvpipe.pages.tables import Cell, amount, ranged, table, words
from lvpipe.tables import number

Row = Mapping[str, str]

_HEADS = (
    *("split", "cohort", "model", "cases", "CRPS", "less the best", "reliability", "resolution"),
    *("90 %", "EDV RMSE", "ESV RMSE", "EF RMSE", "in 10 mL", "in 10 %"),
)

_CRPS_DIGITS = 4


def judged_section(run: Run) -> Html:
    """A chart of the models for each set of cases, then all figures with intervals; nothing without references."""
    if not run.judged_sets:
        return Html("")
    charts = [_chart(run, *one) for one in run.judged_sets]
    rows = [_cells(run, cohort, split, model) for cohort, split in run.judged_sets for model in run.models]
    return section(
        "figures",
        "How sure these figures are",
        note(
            "Small: 95 % intervals, by drawing patients anew; blank where there are too few. ",
            tag("b", "less the best"),
            ": CRPS minus that of the best model on the same draws of the same patients; an interval that holds 0 says "
            "that chance may have chosen. CRPS = reliability ",
            "\N{MINUS SIGN}",
            " resolution + what there is to know; ",
            tag("b", "by chance"),
            ": the reliability of as many forecasts that are right. ",
            tag("b", "90 %"),
            ": references within the central interval. RMSE in mL, of EF in percent points; in 10 mL, in 10 %: "
            "percent of means so near. ",
            tag("code", "results/score/forecasts/"),
        ),
        tag("div", *charts, class_="rankings"),
        table(_HEADS, (row for row in rows if row), sortable=True),
    )


def _chart(run: Run, cohort: str, split: str) -> Html:
    """CRPS of both volumes, best first."""
    told = [Told(row["model"], *_ends(row)) for row in _ranked(run, cohort, split)]
    best = told[0].value if told else 0.0
    return ranking(f"CRPS, {cohort}, {split}", "mean of EDV and ESV, 95 % interval", told, best, _CRPS_DIGITS)


def _cells(run: Run, cohort: str, split: str, model: str) -> list[Cell]:
    """One model's row; nothing of one that does not measure the cohort."""
    mine = {(row["volume"], row["figure"]): row for row in _figures(run, cohort, split) if row["model"] == model}
    if ("both", "crps") not in mine:
        return []
    parts = _one(run.judged["decomposition"], model=model, cohort=cohort, split=split, volume="both")
    cells = [words(split), words(cohort), words(model, "own"), amount(number(mine["both", "crps"]["cases"]), 0)]
    cells += [_ranged(mine, "both", "crps", 1, _CRPS_DIGITS), _less_the_best(run, cohort, split, model)]
    cells += [_reliability(parts), amount(number(parts["resolution"]), _CRPS_DIGITS)]
    cells += [_ranged(mine, "both", "coverage_90", 100)]
    cells += [_ranged(mine, volume, "rmse_ml", 1) for volume in ("EDV", "ESV")]
    cells += [_ranged(mine, "EF", "rmse_percent", 1)]
    return cells + [_ranged(mine, "both", name, 100) for name in ("within_10_ml", "within_10_percent")]


def _reliability(parts: Row) -> Cell:
    value, chance = (number(parts[f"reliability{end}"]) for end in ("", "_by_chance"))
    told = tag("small", f" by chance {fixed(chance, _CRPS_DIGITS)}")
    return Cell(join([fixed(value, _CRPS_DIGITS), told]), value, numeric=True)


def _ranged(mine: Mapping[tuple[str, str], Row], volume: str, figure: str, times: float, digits: int = 1) -> Cell:
    value, low, high = (times * one for one in _ends(mine.get((volume, figure), {})))
    return ranged(value, low, high, digits)


def _ends(row: Row, name: str = "value") -> tuple[float, float, float]:
    return number(row.get(name)), number(row.get("low")), number(row.get("high"))


def _less_the_best(run: Run, cohort: str, split: str, model: str) -> Cell:
    """A pair of models stands in the table once, in the order of the run."""
    best = _ranked(run, cohort, split)[0]["model"]
    if best == model:
        return Cell("best", 0.0, numeric=True)
    where = {"cohort": cohort, "split": split, "volume": "both", "figure": "crps"}
    row = _one(run.judged["differences"], model=model, other=best, **where)
    value, low, high = _ends(row, "difference")
    if not row:
        turned = _one(run.judged["differences"], model=best, other=model, **where)
        value, high, low = (-one for one in _ends(turned, "difference"))
    return ranged(value, low, high, _CRPS_DIGITS)


def _ranked(run: Run, cohort: str, split: str) -> list[Row]:
    """CRPS of both volumes of each model, best first."""
    figures = _figures(run, cohort, split)
    rows = [row for row in figures if (row["volume"], row["figure"]) == ("both", "crps") and row["model"] in run.models]
    return sorted(rows, key=lambda row: float(row["value"]))


def _figures(run: Run, cohort: str, split: str) -> Sequence[Row]:
    return [row for row in run.judged["headline"] if (row["cohort"], row["split"]) == (cohort, split)]


def _one(rows: Sequence[Row], **wanted: str) -> Row:
    """The row with these cells; an empty one where there is none."""
    return next((row for row in rows if wanted.items() <= row.items()), {})
