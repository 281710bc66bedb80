"""What stands in cases.csv of a model that combines others: what its members found, and its own point estimate."""

from collections.abc import Mapping, Sequence

from lvpipe.beats import INCOMPLETE
from lvpipe.metrics import moments_ml
from lvpipe.scoring.volumes import Scored
from lvpipe.volumes import Beat

Row = Mapping[str, str]

_REJECTED = "rejected"


def combine_beats(members: Sequence[Mapping[str, Row]]) -> dict[str, dict[str, str]]:
    """Rows as `integrate` writes them, of the cases that all members know, without volumes and frames."""
    shared = (case for case in members[0] if all(case in member for member in members))
    return {case: _combined([member[case] for member in members]) for case in shared}


def with_means(beats: Mapping[str, dict[str, str]], parts: Sequence[Scored]) -> dict[str, dict[str, str]]:
    """The same with the means of the forecasts as volumes, but of cases that no member measured."""
    edvs, esvs = (moments_ml(part.forecasts)[0].tolist() for part in parts)
    means = {row.case: Beat(0, 0, *pair) for row, *pair in zip(parts[0].rows, edvs, esvs, strict=True)}
    return {case: beat if _unmeasured(beat) else beat | _volumes(means[case]) for case, beat in beats.items()}


def _combined(rows: Sequence[Row]) -> dict[str, str]:
    """Flags that all share, and the reasons of any; those who measured the case are asked before those who did not."""
    for unwanted in ({_REJECTED, INCOMPLETE}, {_REJECTED}, set[str]()):
        asked = [row for row in rows if not unwanted & _flags(row)]
        if asked:
            break
    flags = [flag for flag in asked[0]["flags"].split() if all(flag in _flags(row) for row in asked)]
    reasons = dict.fromkeys(row["reason"] for row in asked if row["reason"])
    told = {"flags": " ".join(flags), "reason": "; ".join(reasons)}
    return dict.fromkeys(rows[0], "") | {name: asked[0][name] for name in ("case", "slices")} | told


def _flags(row: Row) -> set[str]:
    return set(row["flags"].split())


def _unmeasured(row: Row) -> bool:
    return bool({_REJECTED, INCOMPLETE} & _flags(row))


def _volumes(beat: Beat) -> dict[str, str]:
    names = ("edv_ml", "esv_ml", "sv_ml", "ef_percent")
    return {name: format(getattr(beat, name), ".8g") for name in names}
