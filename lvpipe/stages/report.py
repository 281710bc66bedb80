"""`report`: the whole run on one page that needs nothing beside it: no server, no network, no script."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from lvpipe.arguments import add_options
from lvpipe.charts import Line, line_chart
from lvpipe.config.report import ReportSettings
from lvpipe.files import read_table, write_text
from lvpipe.pages.agreement import training_section, volumes_section
from lvpipe.pages.areas import read_area_files
from lvpipe.pages.calibration import calibration_section
from lvpipe.pages.case import case_article, colours, given_article, rejected_article
from lvpipe.pages.hearts import hearts_section
from lvpipe.pages.judged import judged_section
from lvpipe.pages.markup import Html, join, note, section, tag
from lvpipe.pages.masks import dice_section
from lvpipe.pages.outliers import outliers_section
from lvpipe.pages.overview import cards, crps_section, describe
from lvpipe.pages.published import read_published
from lvpipe.pages.roster import roster_section
from lvpipe.pages.run import Run, read_run
from lvpipe.pages.study import read_given, read_study
from lvpipe.pages.style import SCRIPT, style_sheet
from lvpipe.tables import number

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""A browser that obeys it fetches nothing for this page, whatever a case's name may contain."""

_NOTHING = Html("")

_PARTS = {
    "crps": "Forecasts",
    "figures": "Figures",
    "volumes": "Agreement",
    "calibration": "Calibration",
    "dice": "Masks",
    "areas": "Areas",
    "hearts": "Boxes",
    "published": "Published",
    "training": "Training",
    "outliers": "Outliers",
    "cases": "All cases",
    "rejected": "Set aside",
    "pictures": "Pictures",
}


def draw_page(run: Run, settings: ReportSettings, areas: Html = _NOTHING, published: Html = _NOTHING) -> str:
    """The page as text; the same run gives the same bytes."""
    parts = [
        crps_section(run),
        judged_section(run),
        volumes_section(run),
        calibration_section(run),
        dice_section(run),
        areas,
        hearts_section(run),
        published,
        training_section(run),
        outliers_section(run),
        roster_section(run),
        _rejected_section(run),
        *_case_parts(run, settings),
    ]
    body = tag(
        "body",
        _navigation(settings.title, join(parts)),
        tag("main", tag("h1", settings.title), describe(run), cards(run), *parts, _footer()),
        tag("script", Html(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(run, settings), body, lang='en')}\n"


def draw_history(rows: Sequence[Mapping[str, str]]) -> str:
    """The curves of one training as SVG; drawn here, since a chart's new colour must not train a network again."""
    epochs = [float(row["epoch"]) for row in rows]
    columns = {"training loss": "train_loss", "watched loss": "watch_loss", "watched score": "watch_score"}
    lines = [Line(name, epochs, [number(row[column]) for row in rows]) for name, column in columns.items()]
    return line_chart("Training", "epoch", "loss, score", lines)


def main(argv: Sequence[str]) -> None:
    """`page`: the results of a run on one page. `curve`: the history of one training as a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    page = commands.add_parser("page")
    add_options(page, ReportSettings, "results", "out")
    page.add_argument("--models", nargs="+", required=True)
    page.add_argument("--drawing", nargs="*", required=True, help="models that have masks")
    page.add_argument("--measuring", nargs="*", required=True, help="models that have areas of cines' slices")
    page.add_argument("--given", nargs="*", default=[], help="cohorts that brought their estimates: without images")
    page.add_argument("--views", nargs="*", default=[], help="views in which hearts were looked for")
    page.add_argument("--folds", type=int, required=True)
    page.add_argument("--areas", type=Path, nargs="*", default=[], help="areas.csv and pictures of heads of areas")
    page.add_argument("--published", type=Path, nargs="*", default=[], help="published.csv and pictures beside it")
    page.set_defaults(run=_run_page)
    curve = commands.add_parser("curve")
    add_options(curve, None, "history", "out")
    curve.set_defaults(run=_run_curve)
    args = parser.parse_args(argv)
    args.run(args)


def _run_curve(args: argparse.Namespace) -> None:
    write_text(args.out, draw_history(read_table(args.history)))


def _run_page(args: argparse.Namespace) -> None:
    kinds = (args.given, args.views, args.drawing, args.measuring)
    run = read_run(args.results, args.models, args.settings.cases, args.folds, *kinds)
    page = draw_page(run, args.settings, read_area_files(args.areas), read_published(args.published))
    write_text(args.out, page)
    print(f"{len(run.by_case)} cases, {len(run.shown)} one by one, {len(page) / 1e6:.1f} MB")


def _head(run: Run, settings: ReportSettings) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", settings.title),
        tag("style", Html(style_sheet(colours(run.models)))),
    )


def _navigation(title: str, parts: Html) -> Html:
    """Links to the parts that are there."""
    links = (tag("a", word, href=f"#{name}") for name, word in _PARTS.items() if f'id="{name}"' in parts)
    return tag("nav", tag("b", title), *links)


def _rejected_section(run: Run) -> Html:
    if not run.rejected:
        return Html("")
    return section(
        "rejected",
        "Set aside",
        note("These cases could not be looked at. They were forecast all the same, and count in every score."),
        *(rejected_article(run, case) for case in run.rejected),
    )


def _case_parts(run: Run, settings: ReportSettings) -> list[Html]:
    """One case after the other is read and drawn, so that no two are in memory."""
    if not run.shown:
        return []
    every = len(run.shown) + len(run.rejected) == len(run.by_case)
    which = "All other cases" if every else f"{len(run.shown)} of {len(run.by_case)} cases"
    words = f"{which}, worst CRPS first. Every slice at end-diastole and end-systole, in the order of positions."
    if run.given:
        words += f" Cases of {', '.join(run.given)} came as another tool's estimates, without images: charts alone."
    head = section("pictures", "Case by case", note(words))
    given = read_given(run)
    return [
        head,
        *(
            given_article(run, given[case])
            if run.is_given(case)
            else case_article(run, read_study(run, case), settings.crop_mm)
            for case in run.shown
        ),
    ]


def _footer() -> Html:
    return tag(
        "footer",
        "Made by lvpipe. Every number here can be followed through results/: cases.csv, calibrate/, integrate/, "
        "postprocess/, and convert/ with a ledger of every file that was read.",
    )
