"""The task of telling where the cavity is and how large."""

import numpy as np
import pytest
import torch

from lvpipe.config.train import Augmentation, TrainSettings
from lvpipe.labels import NOT_ANNOTATED
from lvpipe.learning.locating import Locating, error, locate
from lvpipe.learning.store import Store, write_store

SIDE = 32
SETTINGS = TrainSettings(batch_images=4, precision="float32", threads=1, augmentation=Augmentation(share=0.0))


def labels(*squares) -> np.ndarray:
    """Images with a cavity each: first row, first column, side; of side 0 none."""
    drawn = np.zeros((len(squares), SIDE, SIDE), np.uint8)
    for image, (row, column, side) in zip(drawn, squares, strict=True):
        image[row : row + side, column : column + side] = 1
    return drawn


def as_tensor(drawn):
    return torch.from_numpy(drawn)[:, None].float()


class SeesAll(torch.nn.Module):
    """Tells exactly what bright pixels say, and is off by so much."""

    def __init__(self, off=(0.0, 0.0, 0.0)):
        super().__init__()
        self.off = torch.tensor(off)

    def forward(self, images):
        return locate((images > images.mean(dim=(1, 2, 3), keepdim=True)).float())[0] + self.off


@pytest.fixture
def task(tmp_path):
    drawn = labels((2, 8, 4), (20, 10, 8), (0, 0, 0))

    def make(settings=SETTINGS):
        write_store(tmp_path / "s", [("a", (drawn * 100).astype(np.uint8), drawn)])
        samples = Store(tmp_path / "s").samples(["a"])
        return Locating(samples, samples, settings)

    return make


def test_what_is_told_are_shares_of_the_side_and_of_the_window():
    wanted, known = locate(as_tensor(labels((2, 8, 4), (0, 0, 0))))
    torch.testing.assert_close(wanted[0], torch.tensor([10 / 32, 4 / 32, 16 / 1024]))
    assert known.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_what_nobody_drew_is_no_cavity():
    drawn = labels((2, 8, 4))
    drawn[0, 20:] = NOT_ANNOTATED
    torch.testing.assert_close(locate(as_tensor(drawn))[0], locate(as_tensor(labels((2, 8, 4))))[0])


def test_the_loss_is_the_length_of_the_error_and_of_a_blank_image_that_of_its_area():
    drawn = as_tensor(labels((2, 8, 4), (0, 0, 0)))
    told = locate(drawn)[0] + torch.tensor([[0.3, 0.4, 0.0], [5.0, 5.0, 0.1]])
    assert error(told, drawn).item() == pytest.approx((0.5 + 0.1) / 2)


def test_a_perfect_answer_has_a_gradient():
    drawn = as_tensor(labels((2, 8, 4)))
    told = locate(drawn)[0].requires_grad_()
    error(told, drawn).backward()
    assert told.grad.tolist() == [[0, 0, 0]]


def test_the_score_counts_wrong_pixels(task):
    loss, score = task().evaluate(SeesAll())
    assert loss == pytest.approx(0, abs=1e-6)
    assert score == 1
    loss, score = task().evaluate(SeesAll((0.0, 0.0, 10 / 1024)))
    assert loss == pytest.approx(10 / 1024, abs=1e-5)
    assert score == pytest.approx(1 - 3 * 10 / (16 + 64))


def test_what_is_wanted_moves_with_the_image(task):
    augmentation = Augmentation(share=0.0, shift_px=10.0, mirror_x=True, shares={"shift": 1.0, "mirror_x": 1.0})
    moving = task(SETTINGS.model_copy(update={"augmentation": augmentation}))
    batch = moving.fetch(moving.learn, np.array([0, 1]))
    pixel = 1 / SIDE
    assert moving.loss(SeesAll(), batch).item() < 2 * pixel, "but for pixels that are cut in two"
    unmoved = locate(batch[1])[0]
    told = SeesAll()(moving.augment(*batch)[0])
    assert float((told - unmoved)[:, :2].abs().max()) > 2 * pixel
