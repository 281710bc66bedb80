"""Optimisers, the learning rate over the epochs, the mean of the weights, and which epoch is kept."""

import itertools

import numpy as np
import pytest
import torch

from lvpipe.config.loop import LoopSettings
from lvpipe.learning import loop
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.optimising import make_optimiser, make_schedule

pytestmark = pytest.mark.usefixtures("torch_as_it_was")


def weight(value: float = 0.0) -> torch.nn.Module:
    network = torch.nn.Conv2d(1, 1, 1, bias=False)
    torch.nn.init.constant_(network.weight, value)
    return network


class Pull:
    """A task whose slope is 1 in every step; what is watched follows a script."""

    score, images = "score", 6

    def __init__(self, *watched: tuple[float, float]) -> None:
        self.random = torch.Generator()
        self.watched = itertools.chain(watched, itertools.repeat((1.0, 0.5)))

    def batches(self, order: np.random.Generator):
        return iter(range(3))

    def loss(self, network, batch):
        return network.weight.sum()

    def evaluate(self, network):
        self.seen = network.weight.item()
        return next(self.watched)


def settings(**wanted) -> LoopSettings:
    plain = {"optimiser": "sgd", "momentum": 1e-9, "weight_decay": 0, "schedule": "constant", "clip_norm": None}
    return LoopSettings(**{**plain, "learning_rate": 0.5, "batch_images": 2, "patience": 99, **wanted})


def run(tmp_path, task: Pull, wanted: LoopSettings, value: float = 0.0) -> tuple[list[loop.Epoch], float]:
    history, kept = loop.train(weight(value), task, wanted, Checkpoint(tmp_path / "checkpoint"))
    return history, kept["weight"].item()


def rates(epochs: int, **wanted) -> list[float]:
    chosen = settings(epochs=epochs, learning_rate=1.0, **wanted)
    optimiser = make_optimiser(weight(), chosen)
    schedule = make_schedule(optimiser, 3, chosen)
    found = []
    for _ in range(epochs):
        found.append(schedule.get_last_lr()[0])
        for _ in range(3):
            optimiser.step()
            schedule.step()
    return found


def test_a_constant_rate_stays():
    assert rates(5, schedule="constant") == [1.0] * 5


def test_steps_fall_at_once_after_so_many_epochs():
    assert rates(5, schedule="steps", drop_epochs=2) == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    published = rates(200, schedule="steps")
    assert published == pytest.approx([1] * 70 + [0.1] * 70 + [0.01] * 60)


def test_poly_falls_to_nothing():
    assert rates(4, schedule="poly") == pytest.approx([(1 - k / 4) ** 0.9 for k in range(4)])


def step_of(name: str, slope: float, steps: int = 2, **wanted) -> list[float]:
    network = weight(1.0)
    optimiser = make_optimiser(network, settings(optimiser=name, learning_rate=0.1, **wanted))
    values = []
    for _ in range(steps):
        network.weight.grad = torch.full_like(network.weight, slope)
        optimiser.step()
        values.append(network.weight.item())
    return values


def test_each_optimiser_makes_its_steps():
    assert step_of("sgd", 1.0, momentum=0.9) == pytest.approx([0.9, 0.9 - 0.19])
    assert step_of("nesterov", 1.0, momentum=0.9) == pytest.approx([1 - 0.19, 1 - 0.19 - 0.271])
    assert step_of("adam", 1e-3) == pytest.approx([0.9, 0.8], rel=1e-3)
    assert step_of("adam", 1e-3, epsilon=1e-3) == pytest.approx([0.95, 0.9], rel=1e-3), "as large as the slope"
    assert step_of("adamw", 0.0, weight_decay=0.5) == pytest.approx([0.95, 0.9025])
    assert step_of("adam", 0.0, weight_decay=0.5, steps=1) == pytest.approx([0.9], rel=1e-3), "decay is a slope there"


def test_slopes_are_cut_to_the_norm_or_not_at_all(tmp_path):
    _, free = run(tmp_path, Pull(), settings(epochs=1))
    _, cut = run(tmp_path / "cut", Pull(), settings(epochs=1, clip_norm=0.25))
    assert (free, cut) == pytest.approx((-1.5, -0.375))


def test_the_mean_of_the_weights_is_watched_and_kept(tmp_path):
    task = Pull()
    _, kept = run(tmp_path, task, settings(epochs=1, average=0.5))
    mean = -0.5  # the first step's weights, then halfway to those of each next step: -1 and -1.5
    mean = 0.5 * mean - 0.5 * 1.0
    mean = 0.5 * mean - 0.5 * 1.5
    assert kept == pytest.approx(mean)
    assert task.seen == pytest.approx(mean)


SCRIPT = [(0.9, 0.1), (0.5, 0.2), (0.45, 0.9), (0.6, 0.3)]


@pytest.mark.parametrize(
    ("wanted", "best", "kept"),
    [
        ({}, [1, 2, 3], 3),
        ({"min_delta": 0.1}, [1, 2], 2),
        ({"watch": "score"}, [1, 2, 3], 3),
        ({"watch": "score", "min_delta": 0.75}, [1, 3], 3),
        ({"keep": "last"}, [1, 2, 3], 4),
    ],
)
def test_the_best_epoch_is_kept_or_the_last(tmp_path, wanted, best, kept):
    history, weights = run(tmp_path, Pull(*SCRIPT), settings(epochs=4, **wanted))
    assert [row.epoch for row in history if row.best] == best
    assert weights == pytest.approx(-1.5 * kept)


def test_a_loss_that_is_none_is_never_the_best_whatever_the_score(tmp_path):
    history, weights = run(tmp_path, Pull((1.0, 0.1), (float("nan"), 0.9)), settings(epochs=2, watch="score"))
    assert [row.best for row in history] == [True, False]
    assert weights == pytest.approx(-1.5)
