"""Whether methods that know nothing of each other find the same heart."""

from collections.abc import Mapping

import numpy as np

from lvpipe.detection.finding import Finding


def doubt(findings: Mapping[str, Finding], chosen: str, pixel_mm: float, agree_mm: float) -> str:
    """One sentence on who finds the heart elsewhere; "" where all that found one agree."""
    middle = findings[chosen].middle
    distances = {
        name: float(np.hypot(*(one.middle - middle))) * pixel_mm for name, one in findings.items() if one.found
    }
    return ", ".join(
        f"{name} finds the heart {distance:.0f} mm away" for name, distance in distances.items() if distance > agree_mm
    )
