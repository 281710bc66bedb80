"""How good boxes are, beside what an expert drew on the same view: slice by slice, and in shares of a cohort."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvpipe.boxes import Boxes, read_finding
from lvpipe.errors import Rejected
from lvpipe.files import write_table
from lvpipe.images import read_image
from lvpipe.labels import CAVITY
from lvpipe.squares import Squares, overlap, reference_squares
from lvpipe.tables import SheetRow, read_cases

SLICES = (
    *("case", "slice", "found", "iou", "centre_mm", "holds", "fill", "mid", "score", "copied"),
    "proposal_iou",
)
SHARES = (
    *("cohort", "split", "cases", "slices", "doubtful", "found", "proposed", "holds", "within_10_mm"),
    *("median_mm", "mid_filled"),
)

NEAR_MM = 10.0
"""A box whose middle is farther from the heart's cuts into it, with the usual margin of a fifth."""

PROPOSED_IOU = 0.5
"""A proposal that overlaps the reference square this much is one of the heart."""

FILL = (0.15, 0.60)
"""Share of the box that the cavity fills on middle slices of a box that is neither too wide nor too tight."""

_MID = (0.25, 0.75)
"""The middle half of the drawn slices."""

_ROUNDING_PX = 1e-3
"""Box files hold thousandths of a pixel."""


@dataclass(frozen=True)
class Drawn:
    """What an expert drew of a case, on the view's grid."""

    reference_tzyx: NDArray[np.uint8]
    squares: Squares

    @property
    def slices(self) -> list[int]:
        """The slices in which a cavity was drawn."""
        return [int(z) for z in np.flatnonzero(np.isfinite(self.squares[:, 0]))]


@dataclass(frozen=True)
class Judged:
    """One case's rows, one for each drawn slice, and whether its box is doubtful."""

    rows: tuple[dict[str, object], ...]
    doubtful: bool


def judge(case: str, boxes: Boxes | None, drawn: Drawn | None) -> Judged:
    """Every drawn slice; one that has no box is missed, and so is a case that was rejected before it was looked at."""
    if drawn is None:
        return Judged((_missed(case, None, 1),), doubtful=False)
    middle = _middle_half(drawn.slices)
    best = _proposal_overlaps(boxes, drawn)
    if boxes is None or not boxes.squares:
        rows = [_missed(case, z, int(z in middle)) | {"proposal_iou": best.get(z)} for z in drawn.slices]
        return Judged(tuple(rows), doubtful=False)
    rows = [
        {"case": case, "slice": z, "mid": int(z in middle), "proposal_iou": best.get(z)} | _compared(boxes, drawn, z)
        for z in drawn.slices
    ]
    return Judged(tuple(rows), boxes.doubtful)


def shares(judged: Sequence[Judged]) -> dict[str, object]:
    """Shares of some cases; what was missed counts in every one, and as infinitely far away in the median.

    `proposed` is empty where the method proposes nothing; the median where half of the slices were missed.
    """
    rows = [row for one in judged for row in one.rows]
    middle = [row for row in rows if row["mid"]]
    distances = [_or(row["centre_mm"], np.inf) for row in rows]
    median = float(np.median(distances)) if rows else np.nan
    return {
        "cases": len(judged),
        "slices": len(rows),
        "doubtful": sum(one.doubtful for one in judged),
        "found": _share(all(row["found"] for row in one.rows) for one in judged),
        "proposed": _proposed(judged),
        "holds": _share(bool(row["holds"]) for row in rows),
        "within_10_mm": _share(distance <= NEAR_MM for distance in distances),
        "median_mm": median if np.isfinite(median) else None,
        "mid_filled": _share(FILL[0] <= _or(row["fill"], 0.0) <= FILL[1] for row in middle),
    }


def judge_case(case: str, boxes: Path, reference: Path, margin: float) -> Judged | None:
    """Read and judge one case; None of one in which nobody drew a cavity."""
    drawn, found = None, None
    try:
        image = read_image(reference)
        drawn = Drawn(image.array_tzyx, reference_squares(image.array_tzyx, image.pixel_mm, margin))
        found = read_finding(boxes)
    except Rejected as reason:
        print(f"{case}: counted as missed: {reason}")
    if drawn is not None and not drawn.slices:
        print(f"{case}: left out: no cavity is drawn")
        return None
    return judge(case, found, drawn)


def write_judgement(
    sheet: Path, cases: Iterable[str], folders: tuple[Path, Path], margin: float, outputs: tuple[Path, Path]
) -> None:
    """All drawn cases of a view: `folders` of boxes and of references, `outputs` a row a slice and a row a cohort."""
    known, (boxes, references) = read_cases(sheet), folders
    judged: dict[str, Judged] = {}
    for case in cases:
        one = judge_case(case, boxes / f"{case}_boxes.json", references / f"{case}_reference.nii.gz", margin)
        if one is not None:
            judged[case] = one
    write_table(outputs[0], SLICES, (row for one in judged.values() for row in one.rows))
    write_table(outputs[1], SHARES, _by_cohort(judged, known))


def _by_cohort(judged: Mapping[str, Judged], sheet: Mapping[str, SheetRow]) -> Iterator[dict[str, object]]:
    groups: dict[tuple[str, str], list[Judged]] = {}
    for case, one in judged.items():
        groups.setdefault((sheet[case].cohort, sheet[case].split), []).append(one)
    for (cohort, split), members in groups.items():
        yield {"cohort": cohort, "split": split, **shares(members)}


def _missed(case: str, z: int | None, mid: int) -> dict[str, object]:
    return {**dict.fromkeys(SLICES), "case": case, "slice": z, "found": 0, "holds": 0, "mid": mid, "copied": 0}


def _compared(boxes: Boxes, drawn: Drawn, z: int) -> dict[str, object]:
    square, reference = boxes.array[z : z + 1], drawn.squares[z : z + 1]
    cavity_tyx = drawn.reference_tzyx[:, z] == CAVITY
    score = boxes.scores[z] if boxes.scores else None
    return {
        "found": 1,
        "iou": float(overlap(square, reference)[0, 0]),
        "centre_mm": float(np.hypot(*(square - reference)[0, :2])) * boxes.pixel_mm,
        "holds": int(_holds(square[0], cavity_tyx.any(axis=0))),
        "fill": float(cavity_tyx.sum(axis=(1, 2)).max() / square[0, 2] ** 2),
        "score": score,
        "copied": int(bool(boxes.scores) and score is None),
    }


def _holds(square: NDArray[np.float64], mask_yx: NDArray[np.bool_]) -> bool:
    """Whether every pixel of a mask lies wholly in a square."""
    reach = square[2] / 2 - 0.5 + _ROUNDING_PX
    return bool((np.abs(np.argwhere(mask_yx) - square[:2]) <= reach).all())


def _proposal_overlaps(boxes: Boxes | None, drawn: Drawn) -> dict[int, float]:
    """The best overlap of any proposal with the reference square, in the drawn slices that have proposals."""
    if boxes is None or not boxes.proposals:
        return {}
    proposals = np.array(boxes.proposals, float)
    found: dict[int, float] = {}
    for z in drawn.slices:
        here = proposals[proposals[:, 0] == z, 1:4]
        if len(here):
            found[z] = float(overlap(here, drawn.squares[z : z + 1]).max())
    return found


def _middle_half(slices: Sequence[int]) -> set[int]:
    places = ((place + 0.5) / len(slices) for place in range(len(slices)))
    return {z for z, place in zip(slices, places, strict=True) if _MID[0] <= place <= _MID[1]}


def _proposed(judged: Sequence[Judged]) -> float | None:
    best = [max((_or(row["proposal_iou"], -1.0) for row in one.rows), default=-1.0) for one in judged]
    return _share(value >= PROPOSED_IOU for value in best) if max(best, default=-1.0) >= 0 else None


def _share(answers: Iterable[bool]) -> float | None:
    found = list(answers)
    return sum(found) / len(found) if found else None


def _or(value: Any, missing: float) -> float:
    return missing if value is None else float(value)
