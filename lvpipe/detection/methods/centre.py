"""The middle of the image, where whoever planned the scan put the heart, roughly: what every method must beat."""

import numpy as np

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.finding import Finding, Scene, about


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """One square for all slices; it has looked at nothing, so it is sure of nothing."""
    slices, rows, columns = scene.cine_tzyx.shape[1:]
    middle = np.array([(rows - 1) / 2, (columns - 1) / 2])
    return about(np.tile(middle, (slices, 1)), 0.0, scene, settings)
