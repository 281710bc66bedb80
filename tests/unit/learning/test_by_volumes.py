"""Learning from volumes: what each epoch teaches, which frames are measured, and that it leads to the right volumes."""

import json

import numpy as np
import pytest
import torch
from stopping import stop_at
from torch import nn

from lvpipe.config.integrate import IntegrateSettings
from lvpipe.config.train import Augmentation, TrainSettings, VolumeTeaching
from lvpipe.learning import loop
from lvpipe.learning.by_volumes import ByVolumes, Shown
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.measuring import Measurer, moved_most, settled_norms
from lvpipe.learning.rounds import plan_lessons
from lvpipe.learning.segmenting import Segmenting
from lvpipe.learning.stacks import Stacks
from lvpipe.learning.store import Store, write_store
from lvpipe.turns import AS_IT_IS, TURNS

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

SIDE, FRAMES, SLICES = 16, 4, 3
POSITIONS_MM = np.array([0.0, 10.0, 21.0])
WINDOW_MM2 = 1600.0
PLAIN = IntegrateSettings(end_caps="none")


def disk(radius: float) -> np.ndarray:
    y, x = np.indices((SIDE, SIDE))
    return np.hypot(y - 7.5, x - 7.5) < radius


def radius_of(case: int, frame: int) -> float:
    """Frame 1 is the largest, frame 3 the smallest."""
    return (5.0, 5.6, 4.2, 3.2)[frame] + 0.3 * case


@pytest.fixture
def stacks(tmp_path) -> Stacks:
    """Four cases of bright disks, alike in all slices, with the volumes that they have."""
    folder, known = tmp_path / "stacks", {}
    folder.mkdir()
    for i, case in enumerate("abcd"):
        disks = np.stack([disk(radius_of(i, frame)) for frame in range(FRAMES)])
        np.save(folder / f"{case}.npy", np.repeat((40 + 160 * disks).astype(np.uint8)[:, None], SLICES, axis=1))
        volumes = disks.mean(axis=(1, 2)) * WINDOW_MM2 * 21 / 1000
        places = {"window_mm2": [WINDOW_MM2] * SLICES, "positions_mm": POSITIONS_MM.tolist(), "thickness_mm": 8.0}
        known[case] = {**places, "edv_ml": float(volumes[1]), "esv_ml": float(volumes[3])}
    (folder / "cases.json").write_text(json.dumps(known))
    return Stacks(folder)


@pytest.fixture
def drawn(tmp_path):
    """Drawn slices of two more cases."""
    images, targets = (np.stack([make(r) for r in (3, 4, 5, 6)]) for make in (lambda r: 40 + 160 * disk(r), disk))
    cases = [(case, images.astype(np.uint8), targets.astype(np.uint8)) for case in ("m", "n")]
    write_store(tmp_path / "store", cases)
    store = Store(tmp_path / "store")
    return store.samples(["m"]), store.samples(["n"])


class Biased(nn.Module):
    """Draws by brightness, and tells areas by a head that is half as large again as it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(1, 1, 1)
        self.head = nn.Conv2d(1, 1, 1)
        for layer, weight, bias in ((self.trunk, 4.0, -2.0), (self.head, 1.5, 0.0)):
            nn.init.constant_(layer.weight, weight)
            nn.init.constant_(layer.bias, bias)

    def forward(self, images):
        return self.trunk(images)

    def both(self, images):
        logits = self(images)
        return logits, self.head(logits.sigmoid())

    def fractions(self, images):
        return self.both(images)[1].mean(dim=(1, 2, 3))


class Study(Biased):
    """The same, of all frames and slices at once, with a spread."""

    def stack_fractions(self, windows):
        fractions = super().fractions(windows.flatten(0, 1)[:, None]).view(windows.shape[:2])
        return fractions, 0.02 + 0 * fractions


def settings(epochs: int = 2, **volumes) -> TrainSettings:
    teaching = {"rounds": 1, "both_epochs": 2, "volumes_epochs": 2, "turns": "none", **volumes}
    plain = {"optimiser": "adam", "schedule": "constant", "learning_rate": 0.02, "patience": 999, "threads": 1}
    return TrainSettings(
        epochs=epochs,
        precision="float32",
        batch_images=2,
        augmentation=Augmentation(share=0),
        volumes=VolumeTeaching(**teaching),
        **plain,
    )


def task_of(stacks, chosen: TrainSettings, drawn=None, started: bool = False, studies: bool = False) -> ByVolumes:
    measurer = Measurer(chosen, PLAIN, "unit")
    areas_weight = chosen.volumes.areas_weight
    masks = Segmenting(*drawn, chosen, "unit", areas_weight=areas_weight) if drawn else None
    return ByVolumes(stacks, ["a", "b", "c"], ["d"], measurer, masks, draws=True, studies=studies, started=started)


def train(tmp_path, network, task: ByVolumes, **checkpoint):
    return loop.train(network, task, task.settings, Checkpoint(tmp_path / "checkpoint", **checkpoint))


def epochs_of(teaching: VolumeTeaching, *args, **named) -> list[str]:
    letters = [
        [("m" * one.masks + "v" * one.volumes, "p" * one.picks) for one in leg]
        for leg in plan_lessons(teaching, *args, **named)
    ]
    return [" ".join(what + pick for what, pick in leg) for leg in letters]


def test_masks_alone_then_rounds_of_both_and_of_volumes():
    teaching = VolumeTeaching(rounds=2, both_epochs=2, volumes_epochs=3, pick_epochs=2)
    in_round = "mvp mv vp v vp"
    assert epochs_of(teaching, 3, masks=True, started=False) == ["m m m", in_round, in_round]
    assert epochs_of(teaching, 3, masks=True, started=True) == [in_round, in_round]
    assert epochs_of(teaching, 3, masks=False, started=True) == ["vp v vp"]
    assert epochs_of(VolumeTeaching(pick_epochs=None), 3, masks=False, started=False) == ["vp v v"]


def test_no_step_of_masks_is_done_in_epochs_of_volumes_alone(tmp_path, stacks, drawn, monkeypatch):
    """The trace of a training: m a step of masks, v one of volumes."""
    task, trace = task_of(stacks, settings(), drawn), []
    real = task.loss
    monkeypatch.setattr(
        task, "loss", lambda network, batch: (trace.append("mv"[isinstance(batch, Shown)]), real(network, batch))[1]
    )
    tell = loop._Loop.tell
    monkeypatch.setattr(loop._Loop, "tell", lambda self: (trace.append(" "), tell(self))[1])
    train(tmp_path, Biased(), task)
    assert "".join(trace).split() == ["mm", "mm", "mm" + "v" * 6, "mm" + "v" * 6, "v" * 6, "v" * 6]
    assert [[size.steps for size in leg] for leg in task.legs] == [[2, 2], [8, 8, 6, 6]]


def test_the_rate_falls_at_70_and_140_of_the_200_blocks_of_each_round(tmp_path, stacks, drawn):
    chosen = settings(epochs=1, rounds=2, both_epochs=100, volumes_epochs=100)
    chosen = chosen.model_copy(update={"schedule": "steps", "drop_epochs": 70, "learning_rate": 1e-6})
    task = task_of(stacks, chosen, drawn)
    task.evaluate = lambda network: (1.0, 0.5)
    task.loss = lambda network, batch: network.trunk.weight.sum()
    history, _ = train(tmp_path, Biased(), task)
    rates = [row.learning_rate / 1e-6 for row in history]
    assert rates == pytest.approx([1] + 2 * ([1] * 70 + [0.1] * 70 + [0.01] * 60))


def test_volumes_alone_mend_a_biased_head(tmp_path, stacks):
    network, task = Biased(), task_of(stacks, settings(epochs=40), started=True)
    before = task.measurer.curve(network, stacks.read("d")).volumes_ml
    reference = stacks.read("d").edv_ml
    assert before[1].item() > 1.3 * reference
    history, kept = train(tmp_path, network, task)
    network.load_state_dict(kept)
    after = task.measurer.curve(network, stacks.read("d")).volumes_ml
    assert after[1].item() == pytest.approx(reference, rel=0.05)
    assert history[-1].watch_error_ml < 0.2 * history[0].watch_error_ml
    assert kept["trunk.weight"].item() != 4.0, "the gradient flows through the head into what is before it"


@pytest.mark.parametrize("by", ["areas", "prob"])
def test_a_volume_teaches_what_sums_up_to_it(stacks, by):
    network, task = Biased(), task_of(stacks, settings(by=by, loss="l2", scale_ml=1.0))
    task.picks = {"a": [1, 3]}
    task.loss(network, Shown("a", (0,), task.shows[0].turn)).backward()
    assert network.trunk.weight.grad.abs() > 0
    assert (network.head.weight.grad is None) is (by == "prob")


def test_a_stack_is_shown_in_four_ways(stacks):
    for turns, ways in (("none", 1), ("quarters", 4), ("mirrors", 4)):
        task = task_of(stacks, settings(turns=turns))
        assert len(task.shows) == 3 * 2 * ways
        assert len({show.turn for show in task.shows}) == ways
        assert task.legs[0][0].images == 3 * 2 * ways * SLICES


def test_a_stack_may_be_turned_anew_in_every_epoch(stacks):
    task = task_of(stacks, settings(turns="drawn"), started=True)
    task.prepare(Biased(), 0)
    order = np.random.default_rng(1)
    turns = [[show.turn for show in task.batches(order)] for _ in range(20)]
    assert {len(epoch) for epoch in turns} == {3 * 2}
    assert {turn for epoch in turns for turn in epoch} == set(TURNS.values())


def test_stacks_change_in_light_where_they_shall(stacks):
    """With as many gradients as draws of light, of the same frame of the same stack."""
    show = Shown("a", (0,), AS_IT_IS)
    for light, different in ((False, 1), (True, 4)):
        chosen = settings(light=light).model_copy(update={"augmentation": Augmentation(share=1.0)})
        network, task = Biased(), task_of(stacks, chosen)
        task.picks = {"a": [1, 3]}
        assert len({float(task.loss(network, show).detach()) for _ in range(4)}) == different


def test_frames_are_the_extremes_of_what_the_network_says(stacks, capsys):
    network, task = Biased(), task_of(stacks, settings(pick_epochs=1), started=True)
    nn.init.constant_(network.head.weight, -1.5)  # its head says the smallest is the largest
    task.prepare(network, 0)
    assert task.picks == {case: [1, 3] for case in "abc"}, "at first by what is drawn"
    task.prepare(network, 1)
    assert task.picks == {case: [3, 1] for case in "abc"}
    task.prepare(network, 1)
    counts = [line.split(", ")[1][0] for line in capsys.readouterr().out.splitlines()]
    assert counts == ["3", "3", "0"], "frames change when the network says so, and only then"


def test_a_network_that_knows_nothing_begins_with_the_frames_that_differ_most(stacks):
    task = task_of(stacks, settings())
    task.prepare(Biased(), 0)
    assert task.picks == {case: [0, 3] for case in "abc"}
    assert moved_most(stacks.read("a")) == 3


def test_frames_stay_between_two_picks(stacks, drawn):
    network, task = Biased(), task_of(stacks, settings(epochs=1), drawn)
    task.prepare(network, 0)
    assert not task.picks, "masks alone need none"
    task.prepare(network, 1)
    nn.init.constant_(network.head.weight, -1.5)
    task.prepare(network, 2)
    assert task.picks == {case: [1, 3] for case in "abc"}


def test_what_is_watched_is_the_error_of_the_largest_and_smallest_of_all_frames(stacks, drawn):
    network, task = Biased(), task_of(stacks, settings(epochs=1), drawn)
    stack = stacks.read("d")
    with torch.inference_mode():
        curve = task.measurer.curve(network, stack).volumes_ml
        error_ml = np.abs([curve.max() - stack.edv_ml, curve.min() - stack.esv_ml]).mean()
        drawn_alone, masks = task.masks.evaluate(network), task.evaluate(network)
        task.prepare(network, 1)
        both = task.evaluate(network)
    assert masks.error_ml == both.error_ml == pytest.approx(error_ml)
    assert masks.loss == drawn_alone.loss
    assert both.loss == pytest.approx(drawn_alone.loss + error_ml / 600)
    assert both.score == masks.score == drawn_alone.score


def test_a_study_is_one_batch_of_both_volumes_and_its_spread_counts(stacks):
    losses = {}
    for loss in ("l1", "crps"):
        task = task_of(stacks, settings(loss=loss), studies=True)
        task.prepare(Study(), 0)
        assert [show.phases for show in task.shows] == [(0, 1)] * 3
        losses[loss] = task.loss(Study(), task.shows[0]).item()
    errors = task_of(stacks, settings()), Biased()
    errors[0].prepare(errors[1], 0)
    apart = [errors[0].loss(errors[1], show).item() for show in errors[0].shows[:2]]
    assert losses["l1"] == pytest.approx(np.mean(apart))
    assert 0 < losses["crps"] < losses["l1"]


def test_drawn_slices_teach_the_head_of_areas_too(stacks, drawn):
    network = Biased()
    slopes = {}
    for weight in (0.0, 1.0):
        task = task_of(stacks, settings(areas_weight=weight), drawn)
        network.zero_grad()
        task.masks.loss(network, next(task.masks.batches(np.random.default_rng(1)))).backward()
        slopes[weight] = network.head.weight.grad
    assert slopes[0.0] is None
    assert slopes[1.0].item() > 0, "it is too large"


def test_few_slices_are_normalised_by_what_was_learnt():
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)).train()
    for few in (True, False):
        before = network[1].running_mean.clone()
        with settled_norms(network, few):
            network(torch.randn(3, 1, 4, 4))
        assert torch.equal(before, network[1].running_mean) is few
        assert network[1].training


@pytest.mark.parametrize("epochs", [2, 3, 4])
def test_a_training_is_resumed_in_the_same_weights(tmp_path, stacks, drawn, monkeypatch, epochs):
    """Killed before the first round, within it, and at a second picking."""
    chosen = settings(epochs=2, rounds=2, both_epochs=1, volumes_epochs=1, turns="quarters")
    whole = train(tmp_path / "whole", Biased(), task_of(stacks, chosen, drawn))
    with monkeypatch.context() as patch:
        stop_at(patch, epochs + 1)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "killed", Biased(), task_of(stacks, chosen, drawn), cost_share=float("inf"))
    assert train(tmp_path / "killed", Biased(), task_of(stacks, chosen, drawn)) == whole


def test_a_stack_with_a_loss_that_is_no_number_is_named(tmp_path, stacks):
    np.save(tmp_path / "stacks" / "b.npy", np.full((FRAMES, SLICES, SIDE, SIDE), np.nan, np.float32))
    with pytest.raises(loop.Diverged, match=r"loss is nan in epoch 1, batch \d, of the cases b;"):
        train(tmp_path, Biased(), task_of(stacks, settings(), started=True))
