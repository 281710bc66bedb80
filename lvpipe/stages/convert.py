"""`convert`: a study's images and drawings as one 4D cine, its reference labels, and a ledger of all mends.

For people: `lvpipe convert DIR OUT.nii.gz` makes the NIfTI of the short-axis cine of one study, and no more is needed.
For the workflow: `lvpipe convert case ...` and `lvpipe convert cohort ...`.
"""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from lvpipe.arguments import add_options, json_object
from lvpipe.cine.contact_sheet import draw_sheet
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.sheet import SheetOrder
from lvpipe.errors import Rejected
from lvpipe.files import write_bytes, write_json
from lvpipe.images import write_image, write_rejected


def main(argv: Sequence[str]) -> None:
    """`DIR OUT`: one study for a person. `case`: one of a cohort. `cohort`: the sheet of all cases.

    The modules of the first and the last are loaded by name, so that `code` of the rules of single cases lacks them.
    """
    if argv[:1] not in (["case"], ["cohort"]):
        importlib.import_module("lvpipe.one_study").convert_one(argv, __doc__)
        return
    args = _parser().parse_args(argv)
    args.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lvpipe convert", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("case")
    add_options(one, ConvertSettings, "cine", "ledger")
    for name in ("reader", "case", "cohort"):
        one.add_argument(f"--{name}", required=True)
    one.add_argument("--sources", type=Path, nargs="+", required=True)
    one.add_argument("--options", type=json_object, default={}, help="the reader's own, as JSON")
    one.add_argument("--reference", type=Path)
    one.add_argument("--picture", type=Path, help="a PNG of every slice that was found and what became of it")
    one.set_defaults(run=_run_case)
    many = commands.add_parser("cohort")
    add_options(many, SheetOrder, "ledgers", "out")
    many.add_argument("--cases", nargs="+", required=True)
    many.add_argument("--table", type=Path, required=True, help="how often each rule was applied to each case")
    many.set_defaults(run=_run_cohort)
    return parser


def _run_cohort(args: argparse.Namespace) -> None:
    sheet = importlib.import_module("lvpipe.sheet")
    sheet.write_sheets(args.settings, args.cases, args.ledgers, args.out, args.table)


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
