"""The task of telling EDV and ESV from many images at once."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from lvpipe.config.train import TrainSettings, VolumeTeaching
from lvpipe.config.window import Window
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.loop import train
from lvpipe.learning.telling_volumes import TellingVolumes
from lvpipe.learning.weights import build_network

ONCE = VolumeTeaching(turns="none")
SETTINGS = TrainSettings(epochs=2, batch_images=2, precision="float32", threads=1, clip_norm=None, volumes=ONCE)
OPTIONS = {"channels": 4, "filters": [2, 2, 2], "dense": 3}
DRAWN = Window(side_px=128, intensities="unit", images="study_draw")
CYCLED = Window(side_px=128, intensities="unit", images="slice_cycle")


@dataclass(frozen=True)
class Stack:
    case: str
    windows_tzyx: np.ndarray
    positions_mm: np.ndarray
    edv_ml: float
    esv_ml: float


class Stacks:
    """Studies of 2, 3, ... slices with EDV 100, 110, ... and ESV 40, 50, ... mL.

    The first pixel has the case's grey, the last one the image's.
    """

    cases = ("a", "b", "c")

    def read(self, case):
        i = self.cases.index(case)
        grey = np.full((5, 2 + i, 128, 128), 50 + 50 * i, np.uint8)
        grey[..., -1, -1] = np.arange(5 * (2 + i)).reshape(5, 2 + i)
        return Stack(case, grey, np.arange(2.0 + i), 100.0 + 10 * i, 40.0 + 10 * i)


class Says(torch.nn.Module):
    """The same volumes of every example."""

    def __init__(self, edv_ml, esv_ml):
        super().__init__()
        self.volumes = torch.nn.Parameter(torch.tensor([edv_ml, esv_ml]))

    def forward(self, examples):
        return self.volumes.expand(len(examples), 2)


def task(window, settings=SETTINGS, learn="ab", watch="bc"):
    return TellingVolumes(Stacks(), list(learn), list(watch), settings, window, channels=4)


@pytest.mark.parametrize(("window", "images"), [(DRAWN, 2), (CYCLED, 2 + 3)])
def test_an_epoch_has_every_study_or_every_slice_once(window, images):
    made = task(window)
    batches = list(made.batches(np.random.default_rng(1)))
    examples, volumes = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert examples.shape == (images, 4, 128, 128)
    assert made.images == images
    greys = examples[:, 0, 0, 0] * 255
    torch.testing.assert_close(volumes[:, 0], 100 + (greys - 50) / 5), "each beside its own study's volume"
    torch.testing.assert_close(volumes[:, 1], volumes[:, 0] - 60)


def test_each_may_be_shown_in_four_turns():
    quarters = SETTINGS.model_copy(update={"volumes": VolumeTeaching(turns="quarters")})
    assert task(DRAWN, quarters).images == 8


def test_the_loss_is_a_root_for_each_volume_and_these_are_added():
    volumes = torch.tensor([[100.0, 40.0], [110.0, 50.0]])
    loss = task(DRAWN).loss(Says(103.0, 50.0), (torch.zeros(2, 4, 128, 128), volumes))
    assert loss.item() == pytest.approx(((3**2 + 7**2) / 2) ** 0.5 + (10**2 / 2) ** 0.5)


def test_what_is_watched_are_studies():
    """The study with more slices counts no more than the other."""
    with torch.inference_mode():
        loss, score = task(CYCLED).evaluate(Says(110.0, 50.0))
    assert loss == pytest.approx(2 * (10**2 / 2) ** 0.5)
    assert score == pytest.approx(1 - np.mean([0, 0, 10 / 120, 10 / 60]))


def test_a_network_starts_at_the_means_and_learns(tmp_path):
    torch.manual_seed(0)
    made, network = task(CYCLED), build_network("net4", OPTIONS)
    made.start(network)
    assert network(torch.zeros(1, 4, 128, 128)).tolist() == [[105.0, 45.0]]
    history, kept = train(network, made, SETTINGS, Checkpoint(tmp_path / "checkpoint"))
    assert len(history) == 2
    assert kept["diastole.0.0.weight"].isfinite().all()


def test_the_same_seed_draws_the_same_epoch():
    first, again, other = (
        torch.cat([examples for examples, _ in task(DRAWN).batches(np.random.default_rng(seed))]) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first[:, :, -1, -1], other[:, :, -1, -1])
