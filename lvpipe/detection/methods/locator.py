"""A network tells of every slice where the heart's middle is, and how large it is; the slices together decide.

The networks of several folds are averaged as maps of chances: where one is lost, its map is flat and says little.
"""

import numpy as np
from numpy.typing import NDArray

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.axis import agreed_line
from lvpipe.detection.finding import NO_IMAGE, Finding, Scene, nothing
from lvpipe.detection.looks import PIXEL_MM, SIDE_PX, Look, look_at
from lvpipe.detection.parts import NETWORKS
from lvpipe.squares import Squares

Floats = NDArray[np.float64]

_NEAR_MM = 20.0
"""A slice is as sure as the chance that it sees this near the line: half a cavity's width."""

_LEAST_SCORE = 0.5
"""Under it the slices look elsewhere, or nowhere in particular: noise and chests without a heart have 0.05 to 0.47,
hearts that were never learnt from 0.65 to 0.98."""


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """A square in each slice, about a straight line through what the slices see."""
    if not np.ptp(scene.cine_tzyx):
        return nothing(NO_IMAGE)
    look = look_at(scene.cine_tzyx, scene.pixel_mm)
    chances_zyx, squares = _see(look, scene, settings)
    weights = _chances_near(chances_zyx, squares[:, :2])
    line = agreed_line(squares[:, :2], weights, _NEAR_MM / PIXEL_MM)
    scores = _chances_near(chances_zyx, line)
    score = float(np.median(scores))
    if score < _LEAST_SCORE:
        return nothing("the slices do not look alike anywhere along a line", score)
    return Finding(look.to_view(np.column_stack([line, _sides(squares[:, 2], scores)])), score, scores)


def _see(look: Look, scene: Scene, settings: DetectSettings) -> tuple[Floats, Squares]:
    """The mean map of all networks, and the square that it expects, in every slice."""
    import torch

    from lvpipe.detection.heat import as_chances, expected_squares
    from lvpipe.learning.batches import WHITE, compute_logits
    from lvpipe.learning.weights import load_networks

    images = torch.from_numpy(look.images_zcyx).to(settings.device) / WHITE
    with torch.inference_mode():
        networks = load_networks(scene.learnt["locator"], settings.device, NETWORKS["locator"])
        seen = [compute_logits(network, images, settings.precision) for network in networks]
        chances = torch.stack([as_chances(found) for found in seen]).mean(dim=0)
        sizes = torch.stack([found[:, 1] for found in seen]).mean(dim=0)
        squares = expected_squares(chances, sizes, SIDE_PX)
    return chances.cpu().numpy().astype(float), squares.cpu().numpy().astype(float)


def _chances_near(chances_zyx: Floats, middles: Floats) -> Floats:
    """How much of each slice's map lies near a place."""
    rows, columns = ((np.arange(n) + 0.5) * (SIDE_PX / n) - 0.5 for n in chances_zyx.shape[1:])
    far2 = ((rows - middles[:, [0]]) ** 2)[:, :, None] + ((columns - middles[:, [1]]) ** 2)[:, None, :]
    return np.asarray(np.where(far2 <= (_NEAR_MM / PIXEL_MM) ** 2, chances_zyx, 0).sum(axis=(1, 2)))


def _sides(sides: Floats, scores: Floats) -> Floats:
    """Every slice's own size, drawn to the usual one of the stack as far as it is unsure."""
    usual = float(np.median(sides[scores >= np.median(scores)]))
    return np.asarray(scores * sides + (1 - scores) * usual)
