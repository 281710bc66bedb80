"""Epochs with a chosen share of blank images."""

import numpy as np
import pytest

from lvpipe.config.train import TrainSettings
from lvpipe.learning.balancing import draw_balanced, find_blank
from lvpipe.learning.segmenting import Segmenting
from lvpipe.learning.store import Samples, Store, write_store

BLANK = np.arange(100) % 10 == 0


@pytest.fixture
def samples(tmp_path) -> Samples:
    """100 images of which every tenth is blank; each one's brightness is its number."""
    images = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    targets = np.zeros_like(images)
    targets[~BLANK, 4:9, 4:9] = 1
    targets[:, 0, 0] = 255  # not annotated
    write_store(tmp_path / "store", [("case", images, targets)])
    return Store(tmp_path / "store").samples(["case"])


def test_blank_is_what_shows_no_cavity(samples):
    assert find_blank(samples).tolist() == BLANK.tolist()


@pytest.mark.parametrize(("share", "blanks"), [(0.0, 0), (0.3, 30), (0.5, 50)])
def test_an_epoch_has_the_share_and_is_as_long_as_ever(share, blanks):
    drawn = draw_balanced(BLANK, 100, share, np.random.default_rng(1))
    assert len(drawn) == 100
    assert BLANK[drawn].sum() == blanks
    counts = np.bincount(drawn, minlength=100)
    for kind in (BLANK, ~BLANK):
        assert np.ptp(counts[kind]) <= 1, "all of a kind come about equally often"
    assert BLANK[drawn[:50]].sum() != blanks or not blanks, "the kinds are mixed"


def test_samples_of_one_kind_come_as_they_are():
    drawn = draw_balanced(np.ones(7, bool), 5, 0.2, np.random.default_rng(1))
    assert len(set(drawn.tolist())) == 5


def test_epochs_follow_from_the_seed(samples):
    task = Segmenting(samples, samples, TrainSettings(blank_share=0.5, epoch_images=40, batch_images=16))

    def epoch(seed: int) -> list[int]:
        batches = task.batches(np.random.default_rng(seed))
        return [round(float(value)) for images, _ in batches for value in images[:, 0, 0, 0] * 255]

    assert epoch(1) == epoch(1) != epoch(2)
    assert BLANK[epoch(1)].sum() == 20
