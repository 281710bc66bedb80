import numpy as np
import pytest
from hearts import heart, nothing_to_find, scene

from lvpipe.config.detect import DetectSettings
from lvpipe.detection.consensus import settle
from lvpipe.detection.finding import Finding, Scene, ask
from lvpipe.labels import CAVITY, NOT_ANNOTATED


@pytest.fixture
def beating():
    """A heart far from the middle of the image, which was drawn where it is not."""
    cine = heart((70, 40), shape=(140, 240))[:, None].repeat(4, axis=1)
    drawn = np.full((len(cine), 4, 140, 240), NOT_ANNOTATED, np.uint8)
    drawn[0] = 0
    drawn[0, :, 60:80, 180:200] = CAVITY
    return scene(cine, reference_tzyx=drawn)


def asked(seen: Scene, *rivals) -> dict[str, Finding]:
    return ask(rivals, seen, DetectSettings())


def agreed(findings: dict[str, Finding]) -> Finding:
    return settle(findings, agree_px=25)


def test_the_largest_group_wins_over_the_surest_single(beating):
    findings = asked(beating, "reference", "mean_deltas", "fourier")
    found = agreed(findings)
    assert np.hypot(*(found.middle - (70, 40))) < 8, "the reference is sure of another place, and alone"
    assert found.score == pytest.approx(findings["fourier"].score * 2 / 3)


def test_of_a_group_whoever_tells_each_slices_place_decides():
    middles = np.array([70, 80]) + np.outer(np.arange(8) - 3.5, [1.5, -2.0])
    findings = asked(scene(np.stack([heart(middle) for middle in middles], axis=1)), "mean_deltas", "fourier")
    assert len(np.unique(findings["mean_deltas"].squares, axis=0)) == 1
    np.testing.assert_array_equal(agreed(findings).squares, findings["fourier"].squares)


def test_alone_the_surest_is_half_as_sure(beating):
    found = agreed(asked(beating, "reference", "centre"))
    assert np.hypot(*(found.middle - (69.5, 189.5))) < 1
    assert found.score == 0.5


@pytest.mark.parametrize("name", nothing_to_find())
def test_nothing_is_found_where_nobody_finds_anything_and_why(name):
    found = agreed(asked(nothing_to_find()[name], "mean_deltas", "fourier"))
    assert not found.found
    assert "mean_deltas: " in found.reason
    assert "fourier: " in found.reason
