"""`published`: what papers report, with our figures beside theirs."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lvpipe.arguments import add_options, json_object
from lvpipe.comparison.gaussians import EXPECTED, MAP, expected_rows, map_rows
from lvpipe.comparison.measures import Tables
from lvpipe.comparison.sigma import SIGMA, read_errors, read_volumes, score_sigmas, sigma_rows
from lvpipe.comparison.sigma_pictures import draw_sigma
from lvpipe.comparison.sizes import SIZES, Arm, draw_sizes, list_sizes
from lvpipe.comparison.table import COMPARED, compare
from lvpipe.config.published import PublishedSettings
from lvpipe.files import read_table, write_table, write_text
from lvpipe.tables import read_cases


def main(argv: Sequence[str]) -> None:
    """`table`: published.csv. `sizes`: how good models are that learn from few and from many images. `sigma`: what the
    spread of forecasts is worth.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    table = commands.add_parser("table")
    add_options(table, PublishedSettings, "results", "out")
    table.add_argument("--papers", nargs="*", type=Path, required=True, help="tables of lvpipe/published")
    table.add_argument("--leaks", nargs="*", type=Path, default=[], help="tables of `score leak`")
    table.add_argument("--models", nargs="+", required=True)
    table.add_argument("--cohorts", type=json_object, required=True, help="where the cases of each come from")
    table.set_defaults(run=_run_table)
    sizes = commands.add_parser("sizes")
    add_options(sizes, None, "segmentation", "table", "chart")
    sizes.add_argument("--arms", type=json_object, required=True, help="by model its arm and its number of images")
    sizes.set_defaults(run=_run_sizes)
    sigma = commands.add_parser("sigma")
    add_options(sigma, PublishedSettings, "cases", "table", "map", "expected", "picture")
    sigma.add_argument("--volumes", type=Path, nargs="+", required=True, help="the cohorts' volume tables")
    sigma.add_argument("--pairs", type=Path, nargs="+", required=True, help="the cohorts' area tables")
    sigma.set_defaults(run=_run_sigma)
    args = parser.parse_args(argv)
    args.run(args)


def _run_table(args: argparse.Namespace) -> None:
    tables = Tables(args.results, args.leaks)
    papers = {path.stem: read_table(path) for path in args.papers}
    write_table(args.out, COMPARED, compare(papers, tables, args.models, args.cohorts))


def _run_sizes(args: argparse.Namespace) -> None:
    arms = {model: Arm(**arm) for model, arm in args.arms.items()}
    rows = list_sizes(read_table(args.segmentation), arms)
    write_table(args.table, SIZES, rows)
    write_text(args.chart, draw_sizes(rows))


def _run_sigma(args: argparse.Namespace) -> None:
    study, sheet = args.settings.sigma, read_cases(args.cases)
    beats, pairs = ([row for path in paths for row in read_table(path)] for paths in (args.volumes, args.pairs))
    scores = score_sigmas(read_volumes(sheet, beats, pairs), read_errors(sheet, pairs), study.windows, study.betas)
    by_error, expected = list(map_rows()), list(expected_rows())
    write_table(args.table, SIGMA, sigma_rows(study.model, scores))
    write_table(args.map, MAP, by_error)
    write_table(args.expected, EXPECTED, expected)
    write_text(args.picture, draw_sigma(scores, by_error, expected))
