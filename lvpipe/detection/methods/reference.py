"""What the expert drew: how good all that follows could be if the heart were always found."""

import numpy as np

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.finding import Finding, Scene, nothing
from lvpipe.squares import Squares, reference_squares


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """The square around each drawn slice; one that nobody drew has the nearest drawn slice's."""
    if scene.reference_tzyx is None:
        return nothing("nobody drew this case")
    squares = reference_squares(scene.reference_tzyx, scene.pixel_mm, settings.margin)
    drawn = np.isfinite(squares[:, 0])
    if not drawn.any():
        return nothing("no cavity is drawn")
    return Finding(_filled(squares, drawn), 1.0, np.where(drawn, 1.0, np.nan))


def _filled(squares: Squares, drawn: np.ndarray) -> Squares:
    """Of two drawn slices that are equally near, the first in the stack."""
    there = np.flatnonzero(drawn)
    nearest = there[np.abs(np.arange(len(squares))[:, None] - there).argmin(axis=1)]
    return np.asarray(squares[nearest])
