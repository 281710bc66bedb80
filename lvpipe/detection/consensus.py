"""The heart on which most methods agree: each is wrong in its own way, and seldom at the same place."""

from collections.abc import Mapping

from lvpipe.detection.agreement import companions, middlemost
from lvpipe.detection.finding import Finding, nothing


def settle(asked: Mapping[str, Finding], agree_px: float) -> Finding:
    """What the middlemost of the largest group finds; its score falls with every method that is not in the group."""
    found = {name: one for name, one in asked.items() if one.found}
    if not found:
        return nothing("; ".join(f"{name}: {one.reason}" for name, one in asked.items()))
    group = _largest(found, agree_px)
    one = middlemost([found[name] for name in group])
    share = len(group) / len(asked)
    return Finding(one.squares, one.score * share, one.scores * share, one.proposals)


def _largest(found: Mapping[str, Finding], agree_px: float) -> list[str]:
    """The methods about one of them; of groups of one size, the one whose members are surest together."""
    groups = [companions(found, name, agree_px) for name in found]
    return max(groups, key=lambda group: (len(group), sum(found[name].score for name in group)))
