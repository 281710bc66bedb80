"""`convert`: a study's images and drawings as one 4D cine, its reference labels, and a ledger of all mends.

For people: `lvpipe convert DIR OUT.nii.gz` makes the NIfTI of the short-axis cine of one study, and no more is needed.
For the workflow: `lvpipe convert case ...` and `lvpipe convert cohort ...`.
"""

import argparse
import importlib
import inspect
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from lvpipe import readers
from lvpipe.arguments import add_options, add_settings
from lvpipe.cine import ledger_table
from lvpipe.cine.contact_sheet import draw_sheet
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.sheet import SheetOrder
from lvpipe.errors import Rejected, UserError
from lvpipe.files import write_bytes, write_json, write_table
from lvpipe.images import write_image, write_rejected
from lvpipe.sheet import COLUMNS, parse_cases, sheet_rows


def main(argv: Sequence[str]) -> None:
    """`DIR OUT`: one study for a person. `case`: one of a cohort. `cohort`: the sheet of all cases."""
    if argv[:1] not in (["case"], ["cohort"]):
        _run_one(_parser_of_one().parse_args(argv))
        return
    parser = argparse.ArgumentParser(prog="lvpipe convert", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("case")
    add_options(one, ConvertSettings, "cine", "ledger")
    for name in ("reader", "case", "cohort"):
        one.add_argument(f"--{name}", required=True)
    one.add_argument("--sources", type=Path, nargs="+", required=True)
    one.add_argument("--options", type=json.loads, default={}, help="the reader's own, as JSON")
    one.add_argument("--reference", type=Path)
    one.add_argument("--picture", type=Path, help="a PNG of every slice that was found and what became of it")
    one.set_defaults(run=_run_case)
    many = commands.add_parser("cohort")
    add_options(many, SheetOrder, "ledgers", "out")
    many.add_argument("--cases", nargs="+", required=True)
    many.add_argument("--table", type=Path, required=True, help="how often each rule was applied to each case")
    many.set_defaults(run=_run_cohort)
    args = parser.parse_args(argv)
    args.run(args)


def _parser_of_one() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lvpipe convert",
        usage="lvpipe convert DIR OUT.nii.gz [--reader NAME] [--options JSON] [--settings JSON] [--ledger FILE]",
        description=__doc__,
        epilog="The workflow's own uses: `lvpipe convert case --help`, `lvpipe convert cohort --help`. "
        "A folder of the name `case` is given as `./case`.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", type=Path, metavar="DIR", help="the folder of one study, or of one series")
    parser.add_argument("out", type=Path, metavar="OUT", help="the cine, .nii.gz or .nii; replaced if it is there")
    parser.add_argument("--reader", default="folder", help="the layout: a name in lvpipe/readers (default: folder)")
    parser.add_argument("--options", type=json.loads, default={}, help="the reader's own, as JSON")
    parser.add_argument("--ledger", type=Path, help="what was kept, mended and dropped (default: OUT.json)")
    add_settings(parser, ConvertSettings, default=ConvertSettings())
    return parser


def _run_one(args: argparse.Namespace) -> None:
    stem = args.out.name.removesuffix(".gz")
    if not stem.endswith(".nii"):
        raise UserError(f"{args.out.name}: not a NIfTI's name; expected OUT to end in .nii.gz or .nii")
    ledger = args.ledger or args.out.with_name(stem.removesuffix(".nii") + ".json")
    reader = _reader(args.reader, args.options)
    _require_study(args.source)
    conversion = Conversion(reader.read_study([args.source], **args.options), args.settings)
    reason = ""
    try:
        cine, _ = conversion.images()
        write_image(args.out, cine, zipped=args.out.suffix == ".gz")
    except Rejected as error:
        reason = str(error)
        args.out.unlink(missing_ok=True)
    account = conversion.account(reason)
    write_json(ledger, {"reader": args.reader, "options": args.options} | account)
    if reason:
        raise UserError(f"rejected: {reason} ({ledger.name} has the details; {args.out.name} was not written)")
    print("; ".join([f"{args.out.name}: {_told(account)}", *_told_of_more(account), f"ledger {ledger.name}"]))


def _reader(name: str, options: Mapping[str, Any]) -> ModuleType:
    try:
        reader = importlib.import_module(f"lvpipe.readers.{name}")
    except ModuleNotFoundError:
        known = sorted(path.stem for path in Path(readers.__file__).parent.glob("[!_]*.py"))
        raise UserError(f"--reader {name}: there is none of this name; expected one of: {', '.join(known)}") from None
    if not hasattr(reader, "read_study"):
        raise UserError(
            f"--reader {name}: brings estimates, no images, and there is nothing to convert (docs/readers.md)"
        )
    if not isinstance(options, dict):
        raise UserError('--options: expected a JSON object, such as {"name": 1}')
    known = [argument for argument in inspect.signature(reader.read_study).parameters if argument != "sources"]
    for option in options:
        if option not in known:
            raise UserError(f"--options: unknown key `{option}`; known: {', '.join(known) or 'none'}")
    return reader


def _require_study(source: Path) -> None:
    if source.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        raise UserError(f"{source.name}: is an archive; expected a folder: unpack it first")
    if not source.exists():
        raise UserError(f"{source}: is not there; expected the folder of one study")


def _told(account: Mapping[str, Any]) -> str:
    times_ms = account["times_ms"]
    step_ms = median(b - a for a, b in pairwise(times_ms))
    dy, dx = account["spacing_mm"]
    return (
        f"{account['slices']} slices x {account['frames']} frames, "
        f"{dx:.2f} x {dy:.2f} x {account['slice_spacing_mm']:.2f} mm, {step_ms:.1f} ms a frame"
    )


def _told_of_more(account: Mapping[str, Any]) -> Iterator[str]:
    """Events by rule, and what else was in the folder."""
    for title, words in (
        ("events", Counter(event["rule"] for event in account["events"])),
        ("also seen", Counter(row["why"] for row in account["seen"])),
    ):
        if words:
            yield f"{title}: " + ", ".join(f"{count} {word}" for word, count in words.most_common())


def _run_cohort(args: argparse.Namespace) -> None:
    cases = list(parse_cases(args.cases))
    write_table(args.out, COLUMNS, sheet_rows(args.settings, cases, args.ledgers))
    given = {cohort.name for cohort in args.settings.cohorts if cohort.tables}
    converted = [case for case in cases if case.cohort not in given]
    write_table(args.table, ledger_table.COLUMNS, ledger_table.ledger_rows(converted, args.ledgers))


def _run_case(args: argparse.Namespace) -> None:
    reader = importlib.import_module(f"lvpipe.readers.{args.reader}")
    conversion = Conversion(reader.read_study(args.sources, **args.options), args.settings)
    reason = ""
    try:
        cine, reference = conversion.images()
        write_image(args.cine, cine)
        if args.reference:
            write_image(args.reference, reference)
    except Rejected as error:
        reason = str(error)
        write_rejected(args.cine, *([args.reference] if args.reference else []))
    account = conversion.account(reason)
    known = {"case": args.case, "cohort": args.cohort, "reader": args.reader, "options": args.options}
    write_json(args.ledger, known | account)
    if args.picture:
        write_bytes(args.picture, draw_sheet(f"{args.case} ({args.cohort})", conversion.ledger, reason))
    print(f"{args.case}: {reason or 'ok'}, {account['slices']} slices x {account['frames']} frames,", end=" ")
    print(f"{account['files']['count']} files, {len(account['events'])} events")
