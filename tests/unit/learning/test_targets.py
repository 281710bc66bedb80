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
    """The same logits of every pixel of every image, one for each output."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor([0.3, -0.2]))

    def forward(self, images):
        return self.logits[:, None, None].expand(len(images), 2, *images.shape[2:])


@pytest.mark.parametrize("loss", ["dice_ce", "bce"])
def test_images_without_a_wall_teach_the_cavity_and_say_nothing_of_muscle(tmp_path, loss):
    images = np.zeros((4, 16, 16), np.uint8)
    labels = np.full_like(images, NOT_ANNOTATED)
    labels[:2] = 0
    labels[:, 4:8, 4:8] = 1
    labels[:2, 8:10, 4:8] = 2
    write_store(tmp_path / "s", [("walled", images[:2], labels[:2]), ("bare", images[2:], labels[2:])])
    store = Store(tmp_path / "s")
    settings = TrainSettings(batch_images=4, loss=loss, precision="float32", augmentation=Augmentation(share=0))
    gradients = {}
    for names in (("walled",), ("bare",)):
        task = Segmenting(store.samples(names), store.samples(names), settings, labels=("cavity", "myocardium"))
        network = TwoLogits()
        (batch,) = task.batches(np.random.default_rng(1))
        task.loss(network, batch).backward()
        gradients[names[0]] = network.logits.grad
    assert gradients["bare"][0] != 0
    cavity_in_bare = 16 / 256
    assert abs(gradients["bare"][1]) < 3 * cavity_in_bare * abs(gradients["walled"][1]), "what is cavity is no muscle"


def test_the_watched_dice_is_the_cavitys(tmp_path):
    images = np.zeros((1, 16, 16), np.uint8)
    labels = np.zeros_like(images)
    labels[0, :8], labels[0, 8:12] = 1, 2
    write_store(tmp_path / "s", [("a", images, labels)])
    samples = Store(tmp_path / "s").samples(["a"])
    task = Segmenting(samples, samples, TrainSettings(precision="float32"), labels=("cavity", "myocardium"))
    with torch.inference_mode():
        assert task.evaluate(TwoLogits())[1] == pytest.approx(2 * 128 / (128 + 256))
