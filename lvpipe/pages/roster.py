"""The table of all cases: every model's row, to be sorted, filtered and followed."""

from collections.abc import Iterator

from lvpipe.pages.case import flag_chips
from lvpipe.pages.markup import Html, note, section, tag
from lvpipe.pages.overview import CRPS_DIGITS
from lvpipe.pages.run import Outcome, Run
from lvpipe.pages.tables import Cell, amount, spread, table, words

_HEADS = (
    *("case", "cohort", "split", "model"),
    *("EDV ref.", "EDV mL", "CRPS", "ESV ref.", "ESV mL", "CRPS"),
    *("EF ref.", "EF %", "slices", "flags"),
)


def roster_section(run: Run) -> Html:
    """All cases, those with the worst CRPS first."""
    return section(
        "cases",
        "All cases",
        note(
            "Volumes and EF are mean ± sd of their forecasts. Worst CRPS first; click a heading to sort. ",
            tag("code", "results/cases.csv"),
        ),
        tag(
            "p",
            tag(
                "input",
                type="search",
                placeholder="case, cohort, split, flag ...",
                aria_label="filter",
                data_for="roster",
            ),
            class_="filter",
            hidden=True,
        ),
        table(_HEADS, _rows(run), sortable=True, name="roster"),
    )


def _rows(run: Run) -> Iterator[list[Cell]]:
    for case in run.ranked:
        for outcome in run.by_case[case]:
            yield _row(outcome, tag("a", case, href=run.link(case)))


def _row(one: Outcome, link: Html) -> list[Cell]:
    values = one.values
    cells = [Cell(link, one.case), words(one.cohort), words(one.split), words(one.model)]
    for kind in ("edv", "esv"):
        cells.append(amount(values[f"{kind}_reference_ml"]))
        cells.append(spread(values[f"{kind}_mean_ml"], values[f"{kind}_sd_ml"]))
        cells.append(amount(values[f"{kind}_crps"], CRPS_DIGITS))
    cells += [amount(values["ef_reference_percent"]), spread(values["ef_mean_percent"], values["ef_sd_percent"])]
    cells.append(amount(values["slices"], 0))
    return [*cells, Cell(flag_chips(one.marks), " ".join(one.marks))]
