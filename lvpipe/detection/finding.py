"""What every method of finding the heart is given, and what it says."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lvpipe.squares import Squares

if TYPE_CHECKING:
    from lvpipe.config.detect import DetectSettings


@dataclass(frozen=True)
class Scene:
    """A case as one view shows it: intensities 0..255, square pixels of `pixel_mm`, and what was learnt elsewhere.

    `learnt` has the files of each part (lvpipe/detection/parts.py), one for each fold whose model may see the
    case. `reference_tzyx` is there for the method `reference` alone.
    """

    cine_tzyx: NDArray[np.uint8]
    pixel_mm: float
    learnt: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    reference_tzyx: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Finding:
    """What a method says of a case: one square a slice, or why there is none.

    `score` is how sure it is, 0..1, and `scores` how sure in each slice, NaN where it took a neighbour's square.
    `proposals` are squares it chose from, `(n, 5)`: slice, row, column, side, score; best first.
    """

    squares: Squares
    score: float
    scores: NDArray[np.float64]
    proposals: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 5)))
    reason: str = ""
    blind: bool = False

    @property
    def found(self) -> bool:
        """Whether there is a heart."""
        return len(self.squares) > 0

    @property
    def middle(self) -> NDArray[np.float64]:
        """Row and column of the study's middle: the median over its slices."""
        return np.asarray(np.median(self.squares[:, :2], axis=0))


NO_IMAGE = "every pixel has the same value: there is no image"


def nothing(reason: str, score: float = 0.0, proposals: NDArray[Any] | None = None, blind: bool = False) -> Finding:
    """No heart, and why; `blind` where the method cannot look at such a case at all."""
    kept = np.empty((0, 5)) if proposals is None else proposals
    return Finding(np.empty((0, 3)), score, np.empty(0), kept, reason, blind)


def about(middles: NDArray[Any], score: float, scene: Scene, settings: "DetectSettings") -> Finding:
    """A heart whose middles are known and whose size is not: squares of the side that settings say."""
    squares = np.column_stack([middles, np.full(len(middles), settings.side_mm / scene.pixel_mm)])
    return Finding(squares, score, np.full(len(squares), score))


class Method(Protocol):
    """What a module of lvpipe/detection/methods has."""

    def find(self, scene: Scene, settings: "DetectSettings") -> Finding:
        """Where the heart is; a scene without one is no error."""


def load_method(name: str) -> Method:
    """The method of this name: loaded by name, so that a change in one is no change of the others."""
    method: Method = importlib.import_module(f"lvpipe.detection.methods.{name}")
    return method


def ask(names: Iterable[str], scene: Scene, settings: "DetectSettings") -> dict[str, Finding]:
    """What each of these methods finds."""
    return {name: load_method(name).find(scene, settings) for name in names}
