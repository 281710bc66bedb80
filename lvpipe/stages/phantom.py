"""Stage `phantom`: a synthetic cohort, as real DICOM and contour files, to try everything with no data."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lvpipe.config.phantom import PhantomOrder
from lvpipe.errors import UserError
from lvpipe.phantom.export import write_case, write_sheets
from lvpipe.phantom.names import list_cases


def main(argv: Sequence[str]) -> None:
    """Write one case, or the cohort's sheets, below a folder."""
    parser = argparse.ArgumentParser(prog="lvpipe phantom", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for action, meaning in (("case", "write one case's files"), ("sheet", "write the cohort's CSV files")):
        sub = actions.add_parser(action, help=meaning)
        sub.add_argument("--cohort", required=True, help="name of the cohort; hearts depend on it")
        sub.add_argument("--root", required=True, type=Path, help="the cohort's folder")
        sub.add_argument("--settings", required=True, help="PhantomOrder as JSON: seed and cohort")
        if action == "case":
            sub.add_argument("--case", required=True, help="name of the case, as the layout lists it")
    given = parser.parse_args(argv)
    order = PhantomOrder.model_validate_json(given.settings)
    if given.action == "sheet":
        write_sheets(given.cohort, order, given.root)
        return
    if given.case not in {case.name for case in list_cases(given.cohort, order.cohort)}:
        raise UserError(f"phantom: cohort {given.cohort} has no case {given.case}; see its `cases`")
    write_case(given.cohort, given.case, order, given.root)
