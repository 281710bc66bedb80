"""The one training loop and what surrounds it, on disks that a network of a few thousand weights learns in seconds."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch

from lvpipe.config.train import Augmentation, TrainSettings
from lvpipe.errors import UserError
from lvpipe.learning import loop
from lvpipe.learning.apply import draw_images
from lvpipe.learning.batches import as_batch, standardise
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.segmenting import Segmenting
from lvpipe.learning.store import Samples, Store, write_store
from lvpipe.learning.weights import build_network, load_networks, read_network, write_weights

ARCHITECTURE = {"network": "unet", "options": {"channels": [8, 16], "residual_units": 1}}
STILL = Augmentation(share=0)
QUICK = TrainSettings(
    epochs=60, patience=60, batch_images=8, learning_rate=0.02, precision="float32", augmentation=STILL
)


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    prepare_torch(QUICK)
    yield
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(before)


def disk_arrays(n: int = 8, side: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y, x = np.indices((side, side))
    targets, images = np.zeros((2, n, side, side), np.uint8)
    for i in range(n):
        row, column = random.uniform(10, side - 10, 2)
        targets[i] = np.hypot(y - row, x - column) < random.uniform(5, 9)
        images[i] = np.clip(60 + 120 * targets[i] + random.normal(0, 8, (side, side)), 0, 255)
    return images, targets


@pytest.fixture
def stored(tmp_path):
    """Samples of these images and targets, on disk."""
    numbers = count()

    def make(images: np.ndarray, targets: np.ndarray) -> Samples:
        folder = tmp_path / f"store-{next(numbers)}"
        write_store(folder, [("case", images, targets)])
        return Store(folder).samples(["case"])

    return make


@pytest.fixture
def disks(stored):
    return lambda *size, **named: stored(*disk_arrays(*size, **named))


@pytest.fixture
def train(tmp_path):
    """A training with no checkpoint to go on from."""
    numbers = count()

    def run(network, learn, watch, settings):
        return loop.train(
            network, Segmenting(learn, watch, settings), settings, Checkpoint(tmp_path / f"checkpoint-{next(numbers)}")
        )

    return run


def fresh(seed: int = 1) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_network(**ARCHITECTURE)


def pooled_dice(network, samples: Samples) -> float:
    images, targets = samples.read(np.arange(len(samples)))
    drawn = draw_images([network.eval()], images, 5, "float32")[:, 0] > 0.5
    return 2 * (drawn & (targets > 0)).sum() / (drawn.sum() + targets.sum())


def test_a_small_network_learns_eight_disks_by_heart(disks, train):
    network, samples = fresh(), disks()
    assert pooled_dice(network, samples) < 0.8
    history, best = train(network, samples, samples, QUICK)
    network.load_state_dict(best)
    assert pooled_dice(network, samples) > 0.95
    assert history[-1].train_loss < 0.5 * history[0].train_loss
    assert max(row.watch_score for row in history) > 0.95
    assert min(row.watch_loss for row in history) == [row for row in history if row.best][-1].watch_loss


@pytest.mark.parametrize("name", ["dice_ce", "bce"])
def test_equal_seeds_give_equal_weights_and_other_seeds_do_not(tmp_path, disks, train, name):
    settings = TrainSettings(epochs=2, batch_images=3, loss=name, precision="float32")
    contents = []
    for seed in (1, 1, 2):
        history, best = train(fresh(seed), disks(), disks(3, seed=5), settings.model_copy(update={"seed": seed}))
        write_weights(tmp_path / "m.safetensors", best, ARCHITECTURE)
        contents.append(((tmp_path / "m.safetensors").read_bytes(), history))
    assert contents[0] == contents[1]
    assert contents[0][0] != contents[2][0]


def scripted(monkeypatch, losses: list[float]) -> None:
    """Let the watched loss follow a script; each epoch leaves its number in the weights."""
    script = iter(losses)
    monkeypatch.setattr(loop._Loop, "evaluate", lambda self: (next(script), 0.5))

    def epoch(self) -> float:
        with torch.no_grad():
            self.network.weight += 1
        return 1.0

    monkeypatch.setattr(loop._Loop, "run_epoch", epoch)


def stub() -> torch.nn.Module:
    network = torch.nn.Conv2d(1, 1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    return network


def test_training_stops_when_nothing_improves_and_keeps_the_best(monkeypatch, disks, train):
    scripted(monkeypatch, [0.9, 0.5, 0.7, 0.6, 0.5, 0.1])
    history, best = train(stub(), disks(4), disks(2), TrainSettings(epochs=20, patience=3))
    assert [row.epoch for row in history] == [1, 2, 3, 4, 5]
    assert [row.best for row in history] == [True, True, False, False, False], "an equal loss is no better one"
    assert best["weight"].item() == 2


def test_an_improvement_starts_the_patience_anew(monkeypatch, disks, train):
    scripted(monkeypatch, [0.9, 1.0, 0.8, 1.0, 0.7, 1.0, 1.0])
    history, best = train(stub(), disks(4), disks(2), TrainSettings(epochs=20, patience=2))
    assert len(history) == 7
    assert best["weight"].item() == 5


def test_training_ends_after_the_last_epoch(monkeypatch, disks, train):
    scripted(monkeypatch, [0.9, 0.8, 0.7, 0.6])
    history, best = train(stub(), disks(4), disks(2), TrainSettings(epochs=3, patience=9))
    assert len(history) == 3
    assert best["weight"].item() == 3


def test_a_training_that_diverges_writes_no_model(monkeypatch, disks, train):
    scripted(monkeypatch, [float("nan")] * 4)
    with pytest.raises(UserError, match=r"diverged.*learning_rate"):
        train(stub(), disks(4), disks(2), TrainSettings(epochs=9, patience=2))


@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_a_gradient_that_is_no_number_stops_before_it_spoils_the_weights(monkeypatch, disks, train, clip_norm):
    monkeypatch.setattr(Segmenting, "loss", lambda *_: (0 * network.weight).sum().sqrt())  # 0, of infinite slope
    network, settings = stub(), TrainSettings(epochs=2, clip_norm=clip_norm)
    with pytest.raises(UserError, match=r"norm of the gradient is nan in epoch 1, batch 1, of the cases"):
        train(network, disks(4), disks(2), settings)
    assert network.weight.item() == 0


@pytest.mark.parametrize("epochs", [1, 2, 5, 9, 10, 11, 20, 40])
def test_the_learning_rate_rises_and_falls_for_any_number_of_steps(disks, epochs):
    settings = TrainSettings(epochs=epochs, batch_images=8, learning_rate=0.01)
    machine = loop._Loop(stub(), Segmenting(disks(8), disks(8), settings), settings)
    rates = []
    for _ in range(epochs):
        rates.append(machine.rate())
        machine.optimiser.step()
        machine.schedule.step()
    assert max(rates) <= 0.01 + 1e-12
    assert rates[0] > 0
    if epochs > 1:
        assert max(rates) == pytest.approx(0.01, rel=0.01)
        assert rates[-1] < 0.001 or epochs < 5


def watched(network, task: Segmenting) -> tuple[float, float]:
    return loop._Loop(network, task, task.settings).evaluate()[:2]


def test_what_is_watched_is_the_mean_over_images_however_they_are_chunked(disks):
    samples, settings = disks(13), QUICK.model_copy(update={"loss": "bce"})
    loss, dice = zip(
        *(
            watched(fresh(), Segmenting(samples, samples, settings.model_copy(update={"batch_images": size})))
            for size in (1, 2, 13)
        ),
        strict=True,
    )
    assert loss == pytest.approx([loss[-1]] * 3, rel=1e-4)
    assert dice == pytest.approx([pooled_dice(fresh(), samples)] * 3, rel=1e-6)


def test_every_image_is_seen_once_an_epoch(stored):
    images = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    samples = stored(images, images)
    task = Segmenting(samples, samples, TrainSettings(batch_images=4))
    batches = task.batches(np.random.default_rng(1))
    seen = [np.rint(batch[:, 0, 0, 0].numpy() * 255).tolist() for batch, _ in batches]
    order = [value for batch in seen for value in batch]
    assert sorted(order) == list(range(10))
    assert order != list(range(10))
    assert max(map(len, seen)) <= 4


def test_an_epoch_of_some_images_draws_others_each_time(stored):
    images = np.arange(50, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)
    samples, settings = stored(images, images), TrainSettings(batch_images=4, epochs=3, epoch_images=10)
    task = Segmenting(samples, samples, settings)
    machine, order = loop._Loop(stub(), task, settings), np.random.default_rng(1)
    epochs = [{float(v) for batch, _ in task.batches(order) for v in batch[:, 0, 0, 0]} for _ in range(2)]
    assert [len(epoch) for epoch in epochs] == [10, 10]
    assert epochs[0] != epochs[1]
    assert machine.schedule.total_steps == 9


def test_images_are_standardised_one_by_one():
    images = as_batch(disk_arrays(4)[0])
    assert images.max() <= 1
    images[1] = images[1] * 0.3 + 0.2  # brightness and contrast do not matter
    images[2] = images[1] * 2
    ready = standardise(images)
    torch.testing.assert_close(ready[1], ready[2], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ready.mean((1, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(ready.std((1, 2, 3)), torch.ones(4), atol=1e-4, rtol=0)
    assert torch.equal(standardise(torch.full((1, 1, 8, 8), 0.4)), torch.zeros(1, 1, 8, 8))


class Recorder(torch.nn.Module):
    """A network that keeps what it is shown."""

    def forward(self, batch):
        self.batch = batch.clone()
        return torch.zeros_like(batch)


def test_use_shows_a_network_what_training_showed_it(stored):
    faint = np.full((1, 16, 16), 50, np.uint8)
    faint[0, 3, 3] = 52  # so little contrast that the smallest spread matters
    used, trained = Recorder(), Recorder()
    draw_images([used], faint, 4, "float32")
    samples = stored(faint, np.zeros_like(faint))
    with torch.inference_mode():
        Segmenting(samples, samples, QUICK).evaluate(trained)
    torch.testing.assert_close(used.batch, trained.batch)


def test_probabilities_of_several_networks_are_averaged_in_any_batches():
    networks, images = [fresh(1).eval(), fresh(2).eval()], disk_arrays(7)[0]
    alone = [draw_images([network], images, 7, "float32") for network in networks]
    both = draw_images(networks, images, 3, "float32")
    assert both.dtype == np.float32
    np.testing.assert_allclose(both, (alone[0] + alone[1]) / 2, atol=1e-5)
    assert np.abs(alone[0] - alone[1]).max() > 0.01


def test_half_the_precision_is_nearly_the_same():
    network, images = fresh().eval(), disk_arrays(3)[0]
    full, low = (draw_images([network], images, 3, precision) for precision in ("float32", "bfloat16"))
    assert low.dtype == np.float32
    assert 0 < np.abs(full - low).max() < 0.03


def test_weights_survive_the_disk(tmp_path):
    network, images = fresh(7).eval().to(memory_format=torch.channels_last), disk_arrays(3)[0]
    path = tmp_path / "model.safetensors"
    write_weights(path, network.state_dict(), ARCHITECTURE)
    first = path.read_bytes()
    write_weights(path, network.state_dict(), dict(reversed(ARCHITECTURE.items())))
    assert path.read_bytes() == first
    again = read_network(path)
    assert not again.training
    probs = [draw_images([each], images, 3, "float32") for each in (network, again)]
    np.testing.assert_array_equal(*probs)


def _valid(path, **architecture) -> None:
    write_weights(path, fresh().state_dict(), {**ARCHITECTURE, **architecture})


def _untagged(path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a model at all " * 30),
        lambda path: (_valid(path), path.write_bytes(path.read_bytes()[:-50])),
        lambda path: _valid(path, options={"channels": [4, 8]}),
        lambda path: _valid(path, options={"chanels": [4, 8]}),
        lambda path: _valid(path, network="gone"),
        _untagged,
    ],
)
def test_a_broken_model_file_is_named_in_one_line(tmp_path, damage):
    path = tmp_path / "model.safetensors"
    damage(path)
    with pytest.raises(UserError, match=r"model\.safetensors: not a readable model") as caught:
        read_network(path)
    assert "\n" not in str(caught.value)


def test_a_missing_model_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        read_network(tmp_path / "gone.safetensors")


def test_epochs_hold_no_seconds():
    assert "seconds" not in " ".join(loop.Epoch.__dataclass_fields__)
    assert replace(loop.Epoch(1, 0.1, 1.0, 1.0, 0.5, best=True), epoch=2).epoch == 2


def test_gradient_descent_learns_too_with_a_momentum_that_stays(disks, train):
    settings = QUICK.model_copy(update={"optimiser": "sgd", "learning_rate": 0.1, "epochs": 15})
    samples = disks()
    history, _ = train(fresh(), samples, samples, settings)
    assert history[-1].train_loss < 0.8 * history[0].train_loss
    machine = loop._Loop(fresh(), Segmenting(samples, samples, settings), settings)
    for _ in range(4):
        assert {group["momentum"] for group in machine.optimiser.param_groups} == {0.9}
        machine.run_epoch()


def test_another_network_than_expected_is_named(tmp_path):
    _valid(tmp_path / "model.safetensors")
    assert load_networks([tmp_path / "model.safetensors"], "cpu", "unet")
    with pytest.raises(UserError, match=r"model\.safetensors: holds the network unet; expected roi_cnn: delete"):
        load_networks([tmp_path / "model.safetensors"], "cpu", "roi_cnn")
