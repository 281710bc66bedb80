"""The heart on which most methods agree: each is wrong in its own way, and seldom at the same place."""

from collections.abc import Mapping

import numpy as np

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.agreement import companions
from lvpipe.detection.finding import Finding, Scene, ask, nothing


def find(scene: Scene, settings: DetectSettings) -> Finding:
    """What the surest of the largest group finds; its score falls with every method that is not in the group."""
    asked = ask(settings.rivals, scene, settings)
    found = {name: one for name, one in asked.items() if one.found}
    if not found:
        return nothing("; ".join(f"{name}: {one.reason}" for name, one in asked.items()))
    group = _largest(found, settings.agree_mm / scene.pixel_mm)
    best = max(group, key=lambda name: (_by_slice(found[name]), found[name].score))
    share = len(group) / len(asked)
    one = found[best]
    return Finding(one.squares, one.score * share, one.scores * share, one.proposals)


def _largest(found: Mapping[str, Finding], agree_px: float) -> list[str]:
    """The methods about one of them; of groups of one size, the one whose members are surest together."""
    groups = [companions(found, name, agree_px) for name in found]
    return max(groups, key=lambda group: (len(group), sum(found[name].score for name in group)))


def _by_slice(finding: Finding) -> bool:
    """Whether it says where the heart is in each slice, and not in the study alone."""
    return len(np.unique(finding.squares, axis=0)) > 1
