"""Several slices at one position: which of them is the cine's."""

from collections.abc import Callable, Sequence

import numpy as np

from lvpipe.cine.carry import carried_frames
from lvpipe.cine.ledger import Ledger, digest
from lvpipe.cine.slices import Slice
from lvpipe.config.convert import ConvertSettings
from lvpipe.geometry import Floats, pixel_map


def keep_one_of_duplicates(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """Of slices within `duplicate_within_mm` one stays, chosen as the setting `duplicates` says."""
    groups = _groups(slices, settings.duplicate_within_mm)
    last = [max(group, key=lambda one: one.acquired) for group in groups]
    if settings.duplicates == "last_acquired":
        return _keep(last, groups, "keep_last_acquired", _later, ledger)
    scores = {id(one): _likeness(one, index, last) for index, group in enumerate(groups) for one in group}
    best = [max(group, key=lambda one: (round(scores[id(one)], 6), one.acquired)) for group in groups]
    return _keep(best, groups, "keep_most_alike", lambda *_: "from one more like the slices beside it", ledger)


def _groups(slices: Sequence[Slice], within_mm: float) -> list[list[Slice]]:
    """Slices by place, each group within this of its first."""
    groups: list[list[Slice]] = []
    for one in sorted(slices, key=lambda one: (one.position_mm, one.acquired)):
        if groups and one.position_mm - groups[-1][0].position_mm < within_mm:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _keep(
    best: Sequence[Slice],
    groups: Sequence[Sequence[Slice]],
    rule: str,
    why: Callable[[Slice, Slice], str],
    ledger: Ledger,
) -> list[Slice]:
    for kept, group in zip(best, groups, strict=True):
        for one in (one for one in group if one is not kept):
            gap_mm = abs(one.position_mm - kept.position_mm)
            reason = "from one with the same pixels, a copy" if _pixels(one) == _pixels(kept) else why(one, kept)
            ledger.drop(rule, f"slice {gap_mm:.2f} mm {reason}, dropped", one.found)
    return list(best)


def _pixels(one: Slice) -> list[str]:
    """A digest of each image's pixels, in no order that a header gives."""
    return sorted(digest(np.ascontiguousarray(frame.pixels_yx).tobytes()) for frame in one.frames)


def _later(one: Slice, kept: Slice) -> str:
    return "from one acquired later" if one.was_before(kept) else "from another, and nothing tells which is later"


def _likeness(one: Slice, index: int, others: Sequence[Slice]) -> float:
    """The mean correlation of its time-mean image with those of the slices on either side."""
    beside = [others[place] for place in (index - 1, index + 1) if 0 <= place < len(others)]
    return float(np.mean([_correlation(one, other) for other in beside])) if beside else 0.0


def _correlation(one: Slice, other: Slice) -> float:
    """Over the pixels of `other`, onto whose grid the first is carried straight along the normal."""
    away = one.plane.centre_mm - other.plane.centre_mm
    target = other.plane.at(other.plane.origin_mm + (away @ other.plane.normal) * other.plane.normal)
    carried, _ = carried_frames(_mean(one)[None], pixel_map(one.plane, target), target.shape_yx, 0.0)
    pair = np.corrcoef(carried[0].ravel(), _mean(other).ravel())
    return float(np.nan_to_num(pair[0, 1]))


def _mean(one: Slice) -> Floats:
    return np.asarray(np.mean([frame.pixels_yx for frame in one.frames], axis=0, dtype=np.float64))
