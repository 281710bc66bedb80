"""Who is watched while a network learns, of those that teach it something."""

from collections.abc import Collection, Sequence
from pathlib import Path

from lvpipe.errors import UserError


def settle_watched(
    cases: Sequence[str], watch: Collection[str], cines: Path, drawn: str, masks: str
) -> tuple[list[str], list[str]]:
    """Who is learnt from and who is watched, of these cases that have something drawn (`drawn`: what).

    Where all that were to be watched have nothing, the last of the others is watched: a broken case stops nothing.

    Raises:
        UserError: they are fewer than two; `masks` is the setting that names more.
    """
    if len(cases) < 2:
        raise UserError(
            f"drawn {drawn}s in {cines} for {len(cases)} cases; expected references of at least two: "
            f"see the ledgers in results/convert for what was rejected, or name other cohorts in {masks}"
        )
    return share_watched(cases, watch, f"no drawn {drawn}")


def share_watched(cases: Sequence[str], watch: Collection[str], lack: str) -> tuple[list[str], list[str]]:
    """The same of two cases or more; `lack` is why others are not among them."""
    watched = [case for case in cases if case in watch]
    if not watched or len(watched) == len(cases):
        watched = [cases[-1]]
        print(f"watching {cases[-1]}: the cases that were to be watched, or all others, have {lack}")
    return [case for case in cases if case not in watched], watched
