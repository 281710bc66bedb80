"""Whether methods that know nothing of each other find the same heart."""

from collections.abc import Mapping, Sequence

import numpy as np

from lvpipe.detection.finding import Finding

_DIGITS = 6
"""Of a pixel: two are equally far from their middle, whatever the last bit says."""


def distances(findings: Mapping[str, Finding], chosen: str) -> dict[str, float]:
    """How far off, in pixels, every other method finds the study's middle; of those that found one."""
    middle = findings[chosen].middle
    others = {name: one for name, one in findings.items() if one.found and name != chosen}
    return {name: float(np.hypot(*(one.middle - middle))) for name, one in others.items()}


def companions(findings: Mapping[str, Finding], chosen: str, agree_px: float) -> list[str]:
    """The methods that agree with one, itself first."""
    return [chosen, *(name for name, far in distances(findings, chosen).items() if far <= agree_px)]


def doubt(findings: Mapping[str, Finding], chosen: str, pixel_mm: float, agree_mm: float) -> str:
    """Who finds the heart elsewhere or nowhere, in words; "" where all that could look agree, or none was found."""
    if not findings[chosen].found:
        return ""
    far_mm = {name: far * pixel_mm for name, far in distances(findings, chosen).items()}
    elsewhere = [f"{name} finds the heart {far:.0f} mm away" for name, far in far_mm.items() if far > agree_mm]
    lost = [name for name, one in findings.items() if name != chosen and not (one.found or one.blind)]
    return "; ".join([*elsewhere, *(f"{name} finds none: {findings[name].reason}" for name in lost)])


def middlemost(group: Sequence[Finding]) -> Finding:
    """The one nearest to the group's median; of two the surer. Who tells each slice's place comes before who does not.

    Scores decide last: those of different methods do not measure the same.
    """
    common = np.median([one.middle for one in group], axis=0)
    away = [round(float(np.hypot(*(one.middle - common))), _DIGITS) for one in group]
    best = max(range(len(group)), key=lambda i: (_by_slice(group[i]), -away[i], group[i].score))
    return group[best]


def _by_slice(finding: Finding) -> bool:
    """Whether it says where the heart is in each slice, and not in the study alone."""
    return len(np.unique(finding.squares, axis=0)) > 1
