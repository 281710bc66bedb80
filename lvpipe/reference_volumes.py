"""Which numbers can be the volumes of a ventricle, and what is wrong with those that cannot.

Whatever reader found them, in a sheet or in drawings: all go through `judged`. Standard library alone: readers are
imported when the workflow is parsed.
"""

from collections.abc import Mapping
from typing import Any

from lvpipe.cases import Labels

LEAST_ML = {"EDV": 2.0, "ESV": 0.6}
"""The smallest of Kaggle's 700 studies, of infants, have 9.35 and 3.93 mL; one drawn slice of a heart holds less.

All that is given in litres lies below, since 0.6 litres are more than `MOST_ML`.
"""

MOST_ML = 599.0
"""Where forecasts end. The largest of Kaggle's 700 studies have 568.6 (EDV) and 488.6 (ESV) mL."""

_ML_PER = {"litres": 1000.0, "mm3 (microlitres)": 0.001}
"""Units that are mistaken for mL."""


def judged(edv_ml: float | None, esv_ml: float | None, quoted: bool = True) -> Labels:
    """The volumes, or why none is taken: where one cannot be, the other is not believed either.

    None is a volume that the source does not tell. `quoted`: the reason may say what was found.
    """
    known = {kind: volume for kind, volume in (("EDV", edv_ml), ("ESV", esv_ml)) if volume is not None}
    said = {kind: f"{kind} {volume:g}" if quoted else kind for kind, volume in known.items()}
    wrong = [f"{said[kind]} {fault}" for kind, volume in known.items() if (fault := _fault(kind, volume))]
    if not wrong and edv_ml is not None and esv_ml is not None:
        if esv_ml > edv_ml:
            wrong = [f"{said['ESV']} mL is over {said['EDV']} mL: are the two swapped?"]
        elif esv_ml == edv_ml:
            wrong = [f"{said['ESV']} mL is the EDV too: a heart that does not beat"]
    return Labels(left_out="; ".join(wrong)) if wrong else Labels(edv_ml, esv_ml)


def taken(stated: Labels, drawn: Mapping[str, Any]) -> Labels:
    """The volumes that the source states; where it states none, those inside what was drawn."""
    if stated.left_out:
        return stated
    edv_ml = drawn.get("edv_ml") if stated.edv_ml is None else stated.edv_ml
    esv_ml = drawn.get("esv_ml") if stated.esv_ml is None else stated.esv_ml
    return judged(edv_ml, esv_ml)


def _fault(kind: str, volume: float) -> str:
    """What is wrong with a volume by itself, "" if nothing is."""
    if _can_be(kind, volume):
        return ""
    unit = next((unit for unit, factor in _ML_PER.items() if _can_be(kind, volume * factor)), "")
    if unit:
        return f"looks like {unit}: expected mL"
    return f"mL: expected {LEAST_ML[kind]:g} to {MOST_ML:g} mL"


def _can_be(kind: str, volume_ml: float) -> bool:
    return LEAST_ML[kind] <= volume_ml <= MOST_ML
