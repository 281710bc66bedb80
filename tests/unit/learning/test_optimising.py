"""Optimisers, the learning rate over the epochs, the mean of the weights, and which epoch is kept."""

import itertools

import numpy as np
import pytest
import torch
from stopping import stop_at

from lvpipe.config.loop import LoopSettings
from lvpipe.learning import loop
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.legs import Size
from lvpipe.learning.optimising import make_optimiser, make_schedule

pytestmark = pytest.mark.usefixtures("torch_as_it_was")


def weight(value: float = 0.0) -> torch.nn.Module:
    network = torch.nn.Conv2d(1, 1, 1, bias=False)
    torch.nn.init.constant_(network.weight, value)
    return network


class Pull:
    """A task whose slope is 1 in every step; what is watched follows a script, and batches of numbers are losses."""

    score = "score"

    def __init__(self, *watched: tuple[float, float], epochs: tuple[int, ...] = (), steps: tuple = (0, 0, 0)) -> None:
        self.random = torch.Generator()
        self.watched = itertools.chain(watched, itertools.repeat((1.0, 0.5)))
        self.last(*epochs)
        self.steps, self.settled = steps, []

    def last(self, *epochs: int) -> None:
        """One leg after another, each of so many epochs."""
        self.legs = [[Size(6, 3)] * so_many for so_many in epochs]

    def batches(self, order: np.random.Generator):
        return iter(self.steps)

    def prepare(self, network, epoch):
        self.settled.append(epoch)

    def loss(self, network, batch):
        return network.weight.sum() + batch

    def whose(self):
        return ["case-3"]

    def state(self):
        return {"settled": self.settled}

    def restore(self, state):
        self.settled = state["settled"]

    def evaluate(self, network):
        self.seen = network.weight.item()
        return next(self.watched)


def settings(**wanted) -> LoopSettings:
    plain = {"optimiser": "sgd", "momentum": 1e-9, "weight_decay": 0, "schedule": "constant", "clip_norm": None}
    return LoopSettings(**{**plain, "learning_rate": 0.5, "batch_images": 2, "patience": 99, **wanted})


def run(tmp_path, task: Pull, wanted: LoopSettings, value: float = 0.0) -> tuple[list[loop.Epoch], float]:
    if not task.legs:
        task.last(wanted.epochs)
    history, kept = loop.train(weight(value), task, wanted, Checkpoint(tmp_path / "checkpoint"))
    return history, kept["weight"].item()


def rates(epochs: int, **wanted) -> list[float]:
    chosen = settings(epochs=epochs, learning_rate=1.0, **wanted)
    optimiser = make_optimiser(weight(), chosen)
    schedule = make_schedule(optimiser, [3] * epochs, chosen)
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


def test_the_rate_falls_after_so_many_epochs_however_many_steps_they_have():
    chosen = settings(learning_rate=1.0, epochs=4, schedule="steps", drop_epochs=2)
    optimiser, found = make_optimiser(weight(), chosen), []
    schedule = make_schedule(optimiser, [5, 5, 2, 2], chosen)
    for _ in range(14):
        found.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert found == pytest.approx([1] * 10 + [0.1] * 4)


def test_with_each_leg_the_rate_begins_anew(tmp_path):
    legs = Pull(epochs=(3, 4))
    history, _ = run(tmp_path, legs, settings(epochs=7, schedule="steps", drop_epochs=2))
    assert [row.learning_rate for row in history] == pytest.approx([0.5, 0.5, 0.05, 0.5, 0.5, 0.05, 0.05])
    assert legs.settled == list(range(7)), "a task is asked once before each epoch"


def test_with_each_leg_what_is_best_begins_anew_and_patience_ends_the_last_alone(tmp_path):
    script = [(0.1, 0.5), (0.2, 0.5), (0.3, 0.5), (0.9, 0.5), (0.8, 0.5), (0.9, 0.5), (0.95, 0.5)]
    history, kept = run(tmp_path, Pull(*script, epochs=(3, 9)), settings(epochs=12, patience=2))
    assert [row.epoch for row in history if row.best] == [1, 4, 5]
    assert len(history) == 7
    assert kept == pytest.approx(-1.5 * 5)


@pytest.mark.parametrize("epochs", [2, 3, 4])
def test_legs_are_resumed_in_the_same_weights(tmp_path, monkeypatch, epochs):
    wanted = settings(epochs=6, schedule="one_cycle", optimiser="adam")
    whole = run(tmp_path / "whole", Pull(epochs=(3, 3)), wanted)
    checkpoint = tmp_path / "killed"
    with monkeypatch.context() as patch:
        stop_at(patch, epochs + 1)
        with pytest.raises(KeyboardInterrupt):
            loop.train(weight(), Pull(epochs=(3, 3)), wanted, Checkpoint(checkpoint, cost_share=float("inf")))
    task = Pull(epochs=(3, 3))
    history, kept = loop.train(weight(), task, wanted, Checkpoint(checkpoint))
    assert (history, kept["weight"].item()) == whole
    assert task.settled == list(range(6))


def test_a_loss_that_is_no_number_is_named_and_the_weights_before_stay(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c", cost_share=float("inf"))
    task = Pull(epochs=(9,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "batches", lambda order: iter([0, 0, 0 if len(task.settled) < 3 else float("nan")]))
        with pytest.raises(loop.Diverged, match=r"loss is nan in epoch 3, batch 3, of the cases case-3;") as caught:
            loop.train(weight(), task, settings(), checkpoint)
    assert caught.value.kept["weight"].item() == pytest.approx(-1.5)
    assert [row.best for row in caught.value.history] == [True, False, False]
    assert len(checkpoint.read()["history"]) == 2


def test_what_is_watched_and_no_number_leaves_the_last_good_state(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c", cost_share=float("inf"))
    watched = [(1.0, 0.5), (float("nan"), 0.5), (float("inf"), 0.5)]
    loop.train(weight(), Pull(*watched, epochs=(3,)), settings(), checkpoint)
    state = checkpoint.read()
    assert len(state["history"]) == 1
    assert state["network"]["weight"].item() == pytest.approx(-1.5)


def test_the_log_tells_each_layers_gradient_before_it_is_cut(tmp_path, capsys):
    network = torch.nn.Sequential(weight(), torch.nn.Linear(2, 1))

    class First(Pull):
        def loss(self, network, batch):
            return network[0].weight.sum() * batch

        def evaluate(self, network):
            return 1.0, 0.5

    wanted = settings(clip_norm=0.1, log_gradients=True)
    loop.train(network, First(epochs=(1,), steps=(1.0, 3.0)), wanted, Checkpoint(tmp_path / "c"))
    told = capsys.readouterr().out
    assert "gradient of 0: 2.000e+00" in told
    assert "gradient of 1: 0.000e+00" in told
