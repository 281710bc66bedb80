"""Who a network learns from in each fold, and whom it only watches to know when to stop."""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence

from lvpipe.cases import Case, number
from lvpipe.errors import UserError

FEWEST = 2
"""One patient to learn from, one to watch."""


def both_or_exit(ask: Callable[[], tuple[list[str], list[str]]]) -> list[str]:
    """Who learns and who is watched together, or the end of the run with one line.

    Not asked when the workflow is parsed: who wants only `convert` of two studies needs nobody to learn from.
    """
    try:
        learn, watch = ask()
    except UserError as error:
        sys.exit(f"lvpipe: {error}")
    return learn + watch


def teachers(cases: Iterable[Case], cohorts: Sequence[str]) -> list[Case]:
    """The cases of these cohorts that may teach: none of a patient who is tested.

    By patient: another cohort of the same source may hold the same patient as a test case.
    """
    everybody = list(cases)
    tested = {case.patient for case in everybody if case.split == "test"}
    return [case for case in everybody if case.cohort in cohorts and case.patient not in tested]


def share_out(
    cases: Iterable[Case],
    cohorts: Sequence[str],
    fold: int,
    watched_share: float,
    who: str,
    references: str = "masks",
    watching: Collection[str] = (),
) -> tuple[list[str], list[str]]:
    """The cases of these cohorts that are learnt from in a fold, and those that are watched.

    Not of split test, not of the held-out fold; who is watched follows from each patient's own hash, and patients who
    are `watching` already go on with it.

    Raises:
        UserError: fewer than two patients.
    """
    found = [case for case in teachers(cases, cohorts) if case.fold != fold]
    ranked = sorted({case.patient for case in found}, key=lambda patient: number(f"watch {patient}"))
    if len(ranked) < FEWEST:
        where = ", ".join(cohorts) or f"(none has {references})"
        raise UserError(
            f"{who}, fold {fold}: {len(ranked)} patients with {references} to learn from in the cohorts {where}; "
            f"expected at least {FEWEST}: add cases, or lower `folds` or `test_share`"
        )
    watched = [
        patient for patient in ranked if patient in watching or number(f"watch {patient}") < watched_share * 2**64
    ]
    watched = watched[: len(ranked) - 1] or ranked[:1]
    watch = [case.name for case in found if case.patient in watched]
    return [case.name for case in found if case.patient not in watched], watch
