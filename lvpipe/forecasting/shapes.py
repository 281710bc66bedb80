"""What is known of a heart besides its volume: where its areas lie, its muscle, how far models disagree.

All are numbers that a kernel may compare: volumes as logarithms, counts as they are, NaN what is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lvpipe.forecasting.readings import Reading, column
from lvpipe.tables import SheetRow, number
from lvpipe.volumes import MM3_PER_ML

_CAVITY_MM2 = 50.0
"""A circle 8 mm across: less is no slice of a cavity."""

_WHOLE_ML, _SLICE_ML = 5.0, 2.0
"""Added to volumes of hearts and of slices before logarithms are taken: what is near nothing is alike."""

_LEVELS = 3
"""Slices from the base on that are told one by one: whether they are ventricle at all is in doubt."""

_FRAMES = ("ed", "es", "own_es")
"""Slices of ED and of ES from where ED begins, and of ES from where it begins itself."""

_YOUNG_YEARS = 2.0
"""Added to ages before logarithms are taken: hearts grow fast at first."""

FEATURES: Final = (
    *("edv", "esv", "age", "male", "gap", "ejected", "mended", "filling", "es_after_ed"),
    *("edv_apart", "esv_apart", "edv_spread", "esv_spread"),
    *("slices", "ed_slices", "es_slices", "above_base", "below_apex", "base_lost", "apex_lost", "slender"),
    *("ed_muscle", "es_muscle", "muscle_share", "apex_ed", "apex_ed_muscle"),
    *(f"{frame}_{level}{what}" for frame in _FRAMES for level in range(_LEVELS) for what in ("", "_muscle")),
)
"""All that there can be of a case, in the order of the columns."""

Shape = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Frame:
    """The slices of one frame from base to apex: mL of cavity and of muscle in each."""

    cavity_ml: NDArray[np.float64]
    muscle_ml: NDArray[np.float64]

    def extent(self) -> tuple[int, int]:
        """The first and the last slice that holds cavity; (0, 0) where none does."""
        held = np.flatnonzero(self.cavity_ml > 0)
        return (int(held[0]), int(held[-1])) if len(held) else (0, 0)


def shape_of(reading: Reading) -> Shape:
    """One model's view of one case."""
    beat = reading.beat
    edv_ml, esv_ml = number(beat["edv_ml"]), number(beat["esv_ml"])
    told = {
        "edv": _log(edv_ml, _WHOLE_ML),
        "esv": _log(esv_ml, _WHOLE_ML),
        "ejected": 1 - esv_ml / max(edv_ml, 1.0),
        "mended": _log(number(beat["mended_ml"]), 1.0),
        "filling": number(beat["mean_filling"]),
        "es_after_ed": _cycle(beat),
    }
    return {**told, **_stack_shape(reading)}


def person_of(row: SheetRow) -> Shape:
    """Age and sex."""
    return {"age": _log(row.age_years, _YOUNG_YEARS), "male": {"M": 1.0, "F": 0.0}.get(row.sex, float("nan"))}


def disagreement(volumes_ml: Mapping[str, Sequence[float]]) -> Shape:
    """Of several models' EDVs and ESVs, the leading two first: how far those two, and all, lie apart."""
    found: dict[str, float] = {}
    for kind, volumes in volumes_ml.items():
        known = np.array([volume for volume in volumes if np.isfinite(volume)])
        if len(known) > 1:
            found[f"{kind.lower()}_apart"] = _log(abs(float(known[0] - known[1])), 1.0)
            found[f"{kind.lower()}_spread"] = float(known.std() / known.mean())
    return found


def _stack_shape(reading: Reading) -> Shape:
    """Of the two frames' slices; nothing where the model measured none."""
    slices = reading.frame("EDV"), reading.frame("ESV")
    if min(map(len, slices)) < 2:
        return {}
    positions = np.sort(column(slices[0], "position_mm"))
    gap_mm = float(np.median(np.diff(positions)))
    if not gap_mm > 0:  # all in one place: no stack
        return {}
    ed, es = (_frame(rows, gap_mm) for rows in slices)
    (base, apex), (es_base, es_apex) = ed.extent(), es.extent()
    if _base_is_last(ed):
        ed, es = _turned(ed), _turned(es)
        (base, apex), (es_base, es_apex) = ed.extent(), es.extent()
    length_mm = (apex - base + 1) * gap_mm
    return {
        "gap": gap_mm,
        "slices": float(len(positions)),
        "ed_slices": float(apex - base + 1),
        "es_slices": float(es_apex - es_base + 1),
        "above_base": float(base),
        "below_apex": float(len(positions) - 1 - apex),
        "base_lost": float(es_base - base),
        "apex_lost": float(apex - es_apex),
        "slender": float(np.sqrt(ed.cavity_ml.max() / gap_mm) / length_mm),
        "ed_muscle": _log(float(ed.muscle_ml.sum()), _WHOLE_ML),
        "es_muscle": _log(float(es.muscle_ml.sum()), _WHOLE_ML),
        "muscle_share": float(ed.muscle_ml.sum() / max(ed.cavity_ml.sum(), 1.0)),
        "apex_ed": _log(float(ed.cavity_ml[apex]), _SLICE_ML),
        "apex_ed_muscle": _log(float(ed.muscle_ml[apex]), _SLICE_ML),
        **_levels("ed", ed, base),
        **_levels("es", es, base),
        **_levels("own_es", es, es_base),
    }


def _levels(name: str, frame: Frame, base: int) -> Shape:
    """Cavity and muscle of the slices from one on."""
    found: dict[str, float] = {}
    for level in range(_LEVELS):
        inside = base + level < len(frame.cavity_ml)
        cavity, muscle = (float(each[base + level]) if inside else 0.0 for each in (frame.cavity_ml, frame.muscle_ml))
        found[f"{name}_{level}"] = _log(cavity, _SLICE_ML)
        found[f"{name}_{level}_muscle"] = _log(muscle, _SLICE_ML)
    return found


def _frame(rows: Sequence[Mapping[str, str]], gap_mm: float) -> Frame:
    order = np.argsort(column(rows, "position_mm"), kind="stable")
    cavity = column(rows, "cavity_mm2")[order]
    muscle = column(rows, "myocardium_mm2")[order]
    weight = gap_mm / MM3_PER_ML
    return Frame(np.where(cavity > _CAVITY_MM2, cavity, 0.0) * weight, muscle * weight)


def _base_is_last(ed: Frame) -> bool:
    """A ventricle is wider at its base: of its two ends in the stack, that is the larger one."""
    first, last = ed.extent()
    return bool(ed.cavity_ml[last] > ed.cavity_ml[first])


def _turned(frame: Frame) -> Frame:
    return Frame(frame.cavity_ml[::-1], frame.muscle_ml[::-1])


def _cycle(beat: Mapping[str, str]) -> float:
    """How much of the cycle lies between ED and ES."""
    ed, es, frames = (number(beat[name]) for name in ("ed_frame", "es_frame", "frames"))
    return float((es - ed) % frames / frames) if frames > 0 else float("nan")


def _log(amount: float, added: float) -> float:
    return float(np.log(max(amount, 0.0) + added)) if np.isfinite(amount) else float("nan")
