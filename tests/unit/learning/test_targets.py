"""What outputs are taught of labels, and that they are taught nothing where nobody drew."""

import numpy as np
import pytest
import torch

from lvpipe.config.train import Augmentation, TrainSettings
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.learning.augment import Augmenter
from lvpipe.learning.segmenting import Segmenting
from lvpipe.learning.store import Store, write_store
from lvpipe.learning.targets import split_labels, warp_labels

LABELS = torch.tensor([[[[0.0, 1.0], [2.0, 255.0]]]])
THREE = ("cavity", "myocardium", "background")


def test_each_output_tells_its_label_from_all_others_where_that_is_known():
    targets, known = split_labels(LABELS, THREE)
    assert targets[0].flatten(1).tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert known[0].flatten(1).tolist() == [[True] * 4, [True, True, True, False], [True, True, True, False]]


def test_labels_are_moved_as_they_are_and_nobody_drew_beyond_the_border():
    images, labels = torch.rand(6, 1, 20, 20), torch.randint(0, 3, (6, 1, 20, 20)).float()
    _, still = warp_labels(Augmenter(Augmentation(share=0), 1), images, labels)
    assert torch.equal(still, labels)
    _, moved = warp_labels(Augmenter(Augmentation(shift_px=9, share=1), 1), images, labels)
    assert set(moved.unique().tolist()) == {0, 1, 2, NOT_ANNOTATED}


class TwoLogits(torch.nn.Module):
    """Two logits of each pixel, the same in every image."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor([0.3, -0.2])[:, None, None].repeat(1, 16, 16))

    def forward(self, images):
        return self.logits.expand(len(images), -1, -1, -1)


@pytest.mark.parametrize("loss", ["dice_ce", "bce"])
def test_an_image_without_a_wall_teaches_the_cavity_and_says_nothing_of_muscle(tmp_path, loss):
    images, labels = np.zeros((2, 1, 16, 16), np.uint8)
    labels[:] = NOT_ANNOTATED
    labels[0, 4:8, 4:8] = 1
    write_store(tmp_path / "s", [("bare", images, labels)])
    samples = Store(tmp_path / "s").samples(["bare"])
    settings = TrainSettings(loss=loss, precision="float32", augmentation=Augmentation(share=0))
    task, network = Segmenting(samples, samples, settings, labels=("cavity", "myocardium")), TwoLogits()
    (batch,) = task.batches(np.random.default_rng(1))
    task.loss(network, batch).backward()
    cavity, muscle = network.logits.grad
    assert (cavity != 0).all()
    assert torch.equal(muscle != 0, torch.from_numpy(labels[0] == 1)), "what is cavity is no muscle"


def test_the_watched_dice_is_the_cavitys(tmp_path):
    images = np.zeros((1, 16, 16), np.uint8)
    labels = np.zeros_like(images)
    labels[0, :8], labels[0, 8:12] = 1, 2
    write_store(tmp_path / "s", [("a", images, labels)])
    samples = Store(tmp_path / "s").samples(["a"])
    task = Segmenting(samples, samples, TrainSettings(precision="float32"), labels=("cavity", "myocardium"))
    with torch.inference_mode():
        assert task.evaluate(TwoLogits())[1] == pytest.approx(2 * 128 / (128 + 256))
