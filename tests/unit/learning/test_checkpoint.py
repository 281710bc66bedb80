"""A training that is interrupted ends in the same bytes as one that is not."""

import numpy as np
import pytest
import torch

from lvpipe.config.train import Augmentation, TrainSettings
from lvpipe.learning import loop
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.segmenting import Segmenting
from lvpipe.learning.store import Samples, Store, write_store
from lvpipe.learning.weights import build_network, write_weights

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

ARCHITECTURE = {"network": "unet", "options": {"channels": [4, 8], "dropout": 0.3}}
SETTINGS = TrainSettings(epochs=9, patience=4, batch_images=3, epoch_images=7, learning_rate=0.02)
ALWAYS = float("inf")
"""The share of time that saving may cost where every epoch is to be saved."""


@pytest.fixture
def samples(tmp_path) -> tuple[Samples, Samples]:
    images = np.random.default_rng(0).integers(0, 256, (14, 16, 16)).astype(np.uint8)
    targets = images // 128
    targets[:10:3] = 0  # blank
    write_store(tmp_path / "store", [("learn", images[:10], targets[:10]), ("watch", images[10:], targets[10:])])
    store = Store(tmp_path / "store")
    return store.samples(["learn"]), store.samples(["watch"])


def run(samples, checkpoint, settings=SETTINGS) -> tuple[list[loop.Epoch], bytes]:
    """A training as the stage runs it, from the seeds on: its history and the bytes of its model."""
    prepare_torch(settings, settings.seed)
    history, best = loop.train(build_network(**ARCHITECTURE), Segmenting(*samples, settings), settings, checkpoint)
    path = checkpoint._path.with_suffix(".safetensors")
    write_weights(path, best, ARCHITECTURE)
    return history, path.read_bytes()


@pytest.fixture
def run_and_interrupt(monkeypatch, samples):
    """Run a training that fails in the epoch after so many; what it saved stays."""

    def run_so_far(checkpoint, epochs: int, settings=SETTINGS) -> None:
        real, done = loop._Loop.run_epoch, []

        def failing(self) -> float:
            if len(done) == epochs:
                torch.rand(7)  # whoever comes next finds another random state
                raise KeyboardInterrupt
            done.append(1)
            return real(self)

        with monkeypatch.context() as patch:
            patch.setattr(loop._Loop, "run_epoch", failing)
            with pytest.raises(KeyboardInterrupt):
                run(samples, checkpoint, settings)

    return run_so_far


@pytest.mark.parametrize("epochs", [1, 4, 8])
def test_a_resumed_training_ends_in_the_same_bytes(tmp_path, samples, run_and_interrupt, capsys, epochs):
    settings = SETTINGS.model_copy(update={"patience": 9})
    whole = run(samples, Checkpoint(tmp_path / "whole"), settings)
    run_and_interrupt(Checkpoint(tmp_path / "killed", ALWAYS), epochs, settings)
    capsys.readouterr()
    assert run(samples, Checkpoint(tmp_path / "killed", ALWAYS), settings) == whole
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"going on after epoch {epochs} of 9"
    assert len(told) == 1 + 9 - epochs, "no epoch is done twice"


@pytest.mark.parametrize(
    "wanted",
    [
        {"average": 0.9, "schedule": "steps", "drop_epochs": 2, "optimiser": "nesterov"},
        {"average": 0.9, "schedule": "poly", "optimiser": "adam", "keep": "last"},
        {"schedule": "constant", "watch": "score", "blank_share": 0.4, "clip_norm": None, "learning_rate": 1e-3},
        {
            "loss": "squared",
            "learning_rate": 1e-3,
            "augmentation": Augmentation(bend_px=2, turn_degrees=90, blur_px=1, coarse_factor=2, equalise_clip=3),
        },
    ],
)
def test_every_way_of_learning_is_resumed_in_the_same_bytes(tmp_path, samples, run_and_interrupt, wanted):
    settings = SETTINGS.model_copy(update={"epochs": 5, "patience": 9, **wanted})
    whole = run(samples, Checkpoint(tmp_path / "whole"), settings)
    run_and_interrupt(Checkpoint(tmp_path / "killed", ALWAYS), 3, settings)
    assert run(samples, Checkpoint(tmp_path / "killed", ALWAYS), settings) == whole


def test_early_stopping_stops_in_the_same_epoch(tmp_path, samples, run_and_interrupt, monkeypatch):
    """The watched loss rises from the third epoch on; the interruption falls into the waiting."""
    script = {1: 0.9, 2: 0.5}
    monkeypatch.setattr(loop._Loop, "evaluate", lambda self: (script.get(len(self.history) + 1, 0.7), 0.5))
    whole = run(samples, Checkpoint(tmp_path / "whole"))
    assert len(whole[0]) == 6
    run_and_interrupt(Checkpoint(tmp_path / "killed", ALWAYS), 4)
    assert run(samples, Checkpoint(tmp_path / "killed", ALWAYS)) == whole


def test_a_training_that_was_finished_learns_no_more(tmp_path, samples, capsys):
    whole = run(samples, Checkpoint(tmp_path / "c", ALWAYS))
    capsys.readouterr()
    assert run(samples, Checkpoint(tmp_path / "c", ALWAYS)) == whole
    assert capsys.readouterr().out.startswith(f"going on after epoch {len(whole[0])} of 9")


def test_dropout_and_augmentation_depend_on_the_state_that_is_kept(tmp_path, samples, run_and_interrupt):
    """Without it the same training ends elsewhere, so that the tests above could fail."""
    whole = run(samples, Checkpoint(tmp_path / "whole"))
    for name in ("torch", "task", "order"):
        run_and_interrupt(Checkpoint(tmp_path / name, ALWAYS), 2)
        state = Checkpoint(tmp_path / name).read()
        prepare_torch(SETTINGS, SETTINGS.seed)
        fresh = loop._Loop(build_network(**ARCHITECTURE), Segmenting(*samples, SETTINGS), SETTINGS).state()
        Checkpoint(tmp_path / name, ALWAYS).save(
            lambda state=state, fresh=fresh, name=name: {**state, name: fresh[name]}
        )
        assert run(samples, Checkpoint(tmp_path / name)) != whole, name


@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b[:-9], lambda b: b[:900] + b"?" + b[901:], lambda b: b[40:]]
)
def test_a_damaged_checkpoint_is_said_and_not_used(tmp_path, samples, capsys, damage):
    whole = run(samples, Checkpoint(tmp_path / "c", ALWAYS))
    (tmp_path / "c").write_bytes(damage((tmp_path / "c").read_bytes()))
    capsys.readouterr()
    assert run(samples, Checkpoint(tmp_path / "c")) == whole
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("c is damaged: training starts anew")
    assert told[1].startswith("epoch 1/9")


def test_saving_takes_no_more_than_its_share_of_the_time(tmp_path, monkeypatch):
    """A clock on which an epoch takes 1 s and saving 0.25 s: one saving in five epochs is a twentieth."""
    clock = [0.0]
    monkeypatch.setattr("lvpipe.learning.checkpoint.time.perf_counter", lambda: clock[0])
    saved = []

    def state() -> dict[str, int]:
        clock[0] += 0.25
        saved.append(clock[0])
        return {}

    checkpoint = Checkpoint(tmp_path / "c", cost_share=0.05)
    for _ in range(100):
        clock[0] += 1
        checkpoint.save(state)
    assert len(saved) == 20
    assert saved[0] == 1.25, "the first epoch is saved at once"
