"""All ledgers of a run as one table: what was found of each case, and how often each rule was applied."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lvpipe.cases import Case
from lvpipe.cine.rules import RULES
from lvpipe.files import read_json

_FATES = ("kept", "mended", "dropped", "rejected")

COLUMNS = (
    *("cohort", "case", "status", "reason", "complete", "incomplete_reason", "files", "frames"),
    *("slices_found", *(f"slices_{fate}" for fate in _FATES)),
    *RULES,
)


def ledger_rows(cases: Sequence[Case], ledgers: Path) -> Iterator[dict[str, object]]:
    """One row for each case; a rule's column counts its events."""
    for case in cases:
        ledger = read_json(ledgers / f"{case.name}_cine.json")
        fates = Counter(one["fate"] for one in ledger["found"])
        events = Counter(event["rule"] for event in ledger["events"])
        yield {
            **{key: ledger[key] for key in ("status", "reason", "complete", "incomplete_reason", "frames")},
            **{f"slices_{fate}": fates[fate] for fate in _FATES},
            **{rule: events[rule] for rule in RULES},
            "cohort": case.cohort,
            "case": case.name,
            "files": ledger["files"]["count"],
            "slices_found": len(ledger["found"]),
        }
