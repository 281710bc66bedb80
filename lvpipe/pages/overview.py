"""The page's first parts: what was run and how good it is, as a few large figures and then as tables."""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from lvpipe.pages.markup import Html, fixed, note, section, tag
from lvpipe.pages.run import Outcome, Run, in_order
from lvpipe.pages.tables import Cell, amount, table, words
from lvpipe.tables import number

CRPS_DIGITS = 4
"""Published scores differ in the fourth decimal."""

_BASELINE = "climatology"


def describe(run: Run) -> Html:
    """One sentence on what was run."""
    cases = [outcomes[0] for outcomes in run.by_case.values()]
    cohorts = sorted({case.cohort for case in cases})
    parts = ", ".join(f"{sum(case.split == split for case in cases)} {split}" for split in run.splits)
    rejected = sum(case.rejected for case in cases)
    aside = f" {_counted(rejected, 'case')} could not be used and got a fallback forecast." if rejected else ""
    return tag(
        "p",
        f"{_counted(len(cases), 'case')} ({parts}) of {_counted(len(cohorts), 'cohort')} ({', '.join(cohorts)}), "
        f"measured by {_counted(len(run.models), 'model')} ({', '.join(run.models)}).{aside}{_left_out(run)}",
        class_="lead",
    )


def cards(run: Run) -> Html:
    """The main figures of each model on the split that matters most, of all cohorts that have it."""
    rows = {(row["model"], row["cohort"], row["split"], row["volume"]): row for row in run.crps}
    splits = in_order({split for _, _, split, _ in rows})
    found = [
        _card(run, rows, model, cohort, splits[0])
        for model in run.models
        for cohort in sorted({key[1] for key in rows})
        if (model, cohort, splits[0], "both") in rows
    ]
    return tag("div", *found, class_="cards")


def crps_section(run: Run) -> Html:
    """crps.csv with its volumes side by side, the baselines below each model, test first."""
    groups: dict[tuple[str, str, str], dict[str, Mapping[str, str]]] = {}
    for row in run.crps:
        groups.setdefault((row["split"], row["cohort"], row["model"]), {})[row["volume"]] = row
    order = in_order({split for split, _, _ in groups})
    keys = sorted(groups, key=lambda key: (order.index(key[0]), key[1]))
    return section(
        "crps",
        "Forecasts of volumes",
        note(
            "CRPS: mean squared distance between the forecast and the step at the reference, 0 to 1, lower is better. ",
            tag("b", "step"),
            " is the same point without doubt, ",
            tag("b", _BASELINE),
            " says the distribution of the training volumes of every case. Errors are in mL; 90 %: how many references "
            "lie in the central 90 % interval. Cases of split train and validate are measured by networks that did not "
            "learn from them. ",
            tag("code", "results/crps.csv"),
        ),
        table(
            ("split", "cohort", "forecast", "cases", "CRPS", *2 * ("CRPS", "MAE", "RMSE", "bias", "r", "90 %")),
            (_crps_row(key, groups[key]) for key in keys),
            spans=(("", 4), ("both", 1), ("EDV", 6), ("ESV", 6)),
            sortable=True,
        ),
    )


def ef_rmse(outcomes: Sequence[Outcome]) -> float:
    """Root mean square error of the forecast EF in percent points, over cases with a reference."""
    errors = np.array([one.values["ef_mean_percent"] - one.values["ef_reference_percent"] for one in outcomes], float)
    errors = errors[np.isfinite(errors)]
    return float(np.sqrt((errors**2).mean())) if len(errors) else float("nan")


def _card(
    run: Run, rows: Mapping[tuple[str, str, str, str], Mapping[str, str]], model: str, cohort: str, split: str
) -> Html:
    def figure(name: str, volume: str, column: str) -> float:
        row = rows.get((name, cohort, split, volume))
        return number(row[column]) if row else float("nan")

    mine = [o for o in run.outcomes if (o.model, o.cohort, o.split) == (model, cohort, split)]
    dice = [
        number(row["dice"])
        for row in run.dice
        if (row["model"], row["cohort"], row["split"], row["slice"]) == (model, cohort, split, "")
        if row["label"] == "cavity" and row["dice"]
    ]
    facts = (
        ("EDV RMSE", f"{fixed(figure(model, 'EDV', 'rmse_ml'))} mL"),
        ("ESV RMSE", f"{fixed(figure(model, 'ESV', 'rmse_ml'))} mL"),
        ("EF RMSE", f"{fixed(ef_rmse(mine))} %"),
        ("Dice", fixed(statistics.median(dice), 3) if dice else ""),
        ("in 90 % interval", f"{fixed(100 * figure(model, 'both', 'coverage_90'), 0)} %"),
    )
    bars = [(name, figure(name, "both", "crps")) for name in (model, f"step:{model}", _BASELINE)]
    return tag(
        "article",
        tag("h3", model, tag("small", f" {cohort}, {split}, {_counted(int(figure(model, 'both', 'cases')), 'case')}")),
        tag("p", tag("strong", fixed(bars[0][1], CRPS_DIGITS)), " CRPS", class_="big"),
        _bars(bars),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", shown)) for name, shown in facts if shown)),
        class_="card",
    )


def _bars(bars: Sequence[tuple[str, float]]) -> Html:
    """CRPS beside its baselines, as lengths."""
    known = [(name, value) for name, value in bars if np.isfinite(value)]
    longest = max((value for _, value in known), default=1.0) or 1.0
    lines = (
        tag(
            "li",
            tag("span", name.split(":")[0]),
            tag("i", style=f"width:{100 * value / longest:.1f}%"),
            tag("b", fixed(value, CRPS_DIGITS)),
        )
        for name, value in known
    )
    return tag("ul", *lines, class_="bars")


def _crps_row(key: tuple[str, str, str], volumes: Mapping[str, Mapping[str, str]]) -> list[Cell]:
    split, cohort, model = key
    kind = "quiet" if model == _BASELINE or model.startswith("step:") else "own"
    both = volumes["both"]
    cells = [words(split), words(cohort), words(model.replace("step:", "step at "), kind)]
    cells += [amount(number(both["cases"]), 0), amount(number(both["crps"]), CRPS_DIGITS, kind)]
    for volume in ("EDV", "ESV"):
        row = volumes[volume]
        cells.append(amount(number(row["crps"]), CRPS_DIGITS, "first"))
        cells += [amount(number(row[column])) for column in ("mae_ml", "rmse_ml", "bias_ml")]
        cells += [amount(number(row["pearson_r"]), 3), amount(100 * number(row["coverage_90"]), 0)]
    return cells


def _left_out(run: Run) -> str:
    """Whose reference volumes cannot be."""
    cases = sorted(case for case in run.by_case if run.volumes_left_out(case))
    return f" Reference volumes that cannot be were left out of: {', '.join(cases)}." if cases else ""


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
