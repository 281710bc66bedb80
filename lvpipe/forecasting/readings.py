"""What a model says of a case: its row of volumes, and the slices of the frames taken for ED and ES."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lvpipe.beats import INCOMPLETE
from lvpipe.forecasting.fallbacks import Slab, slab_of
from lvpipe.forecasting.forecasters import Estimate
from lvpipe.forecasting.forecasts import Slices, slices_of
from lvpipe.tables import number

Cells = Mapping[str, str]

_ESTIMATES_ML = (1.0, 800.0)
"""Between which a volume can be an estimate, however rough: hearts have 4 to 569 mL (Kaggle, both volumes). What lies
outside was not measured of a heart: frames taken for slices, another unit, a mask of everything."""

_FRAMES: Mapping[str, str] = {"EDV": "ed_frame", "ESV": "es_frame"}


@dataclass(frozen=True, eq=False)
class Reading:
    """One model's view of one case: its row of volumes.csv, and its rows of pairs.csv."""

    beat: Cells
    pairs: list[Cells] = field(default_factory=list)

    @property
    def incomplete(self) -> bool:
        """Whether its stack is too incomplete for its volumes to be estimates."""
        return INCOMPLETE in self.beat["flags"].split()

    def volume_ml(self, kind: str) -> float:
        """The estimate of one volume; NaN where there is none."""
        volume = number(self.beat[f"{kind.lower()}_ml"])
        can_be = _ESTIMATES_ML[0] <= volume <= _ESTIMATES_ML[1]
        return volume if can_be and not self.incomplete else float("nan")

    def frame(self, kind: str) -> list[Cells]:
        """The slices of the frame that a volume was read from."""
        frame = self.beat[_FRAMES[kind]]
        return [row for row in self.pairs if row["frame"] == frame]

    def estimate(self, kind: str) -> Estimate:
        """The volume with the spread that the model tells and, of slices in boxes, what sigma-hat needs."""
        sd_ml = number(self.beat[f"{kind.lower()}_sd_ml"])
        return Estimate(self.volume_ml(kind), _slices(self.frame(kind)), sd_ml)

    def slab(self, kind: str) -> Slab | None:
        """The slices of the frame in order, None where there are none."""
        rows = self.frame(kind)
        return slab_of(column(rows, "cavity_mm2"), column(rows, "position_mm")) if rows else None


Readings = Mapping[str, Reading]
"""By case."""


def gather(beats: Sequence[Cells], pairs: Sequence[Cells]) -> dict[str, Reading]:
    """The tables of one model, of all its cohorts."""
    readings = {row["case"]: Reading(row) for row in beats}
    for row in pairs:
        readings[row["case"]].pairs.append(row)
    return readings


def column(rows: Sequence[Cells], name: str) -> NDArray[np.float64]:
    """The numbers of one column; NaN where a cell is empty."""
    return np.array([number(row[name]) for row in rows])


def _slices(rows: Sequence[Cells]) -> Slices | None:
    if not rows or not rows[0]["box_mm2"]:
        return None
    return slices_of(*(column(rows, name) for name in ("cavity_mm2", "position_mm", "box_mm2")))
