"""What the classifier learns: which of two disks beats, and nothing from how an image lies or where a cycle starts."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from lvpipe.config.detect import ClassifierSettings
from lvpipe.detection.classifier import Scorer
from lvpipe.detection.lessons import MOMENTS, Lesson
from lvpipe.detection.patches import Cutters, standardise
from lvpipe.detection.teaching.deciding import Deciding, fresh_network
from lvpipe.detection.teaching.examples import Examples, join
from lvpipe.detection.teaching.overlaps import make_overlaps
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.loop import train

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

QUICK = ClassifierSettings(epochs=5, batch_images=32, precision="float32", slice_images=25, epoch_images=400)


@functools.cache
def two_disks(number: int, shape=(90, 130)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six frames in which two disks look alike, of which one beats; its square and that of the other."""
    dice = np.random.default_rng(number)
    y, x = np.indices(shape)
    middles = np.array([[45, 34], [45, 96]]) + dice.uniform(-8, 8, (2, 2))
    beating, frames = number % 2, np.full((MOMENTS, *shape), 90.0)
    for t in range(MOMENTS):
        beat = 5 * (1 - np.cos(2 * np.pi * t / (MOMENTS - 1))) / 2
        for i, (row, column) in enumerate(middles):
            distance = np.hypot(y - row, x - column)
            frames[t][distance < 22] = 30
            frames[t][distance < 15 - beat * (i == beating)] = 200
    shown = np.clip(frames + dice.normal(0, 6, frames.shape), 0, 255).astype(np.uint8)
    squares = np.column_stack([middles, [50, 50]])
    return shown, squares[beating], squares[1 - beating]


def lesson(number: int) -> Lesson:
    frames, square, _ = two_disks(number)
    return Lesson(f"c{number}", 1.0, frames[:1, None], frames[:, None], square[None])


def other_disk(image_yx, pixel_mm):
    """Proposals: what looks like a heart in the first frame is both disks."""
    _, right, wrong = next(two_disks(n) for n in range(40) if np.array_equal(two_disks(n)[0][0], image_yx))
    return np.repeat([[*right, 3.0], [*wrong, 2.0]], 8, axis=0)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    prepare_torch(QUICK, QUICK.seed)
    parts = make_overlaps(map(lesson, range(24)), QUICK.slice_images, other_disk, 1)
    names = list(parts)
    learn, watch = join(parts, names[:20]), join(parts, names[20:])
    network = fresh_network(learn)
    folder = tmp_path_factory.mktemp("deciding")
    history, best = train(network, Deciding(learn, watch, QUICK), QUICK, Checkpoint(folder / "c"))
    network.load_state_dict(best)
    return network.eval(), history


def test_a_beating_disk_is_told_from_one_that_does_not(taught):
    network, history = taught
    right, wrong = [], []
    for number in range(24, 40):
        frames, beating, still = two_disks(number)
        scorer = Scorer([network], Cutters(frames[:, None]), QUICK)
        (both,) = scorer.score([(0, np.stack([beating, still]))])
        right.append(both[0])
        wrong.append(both[1])
    assert min(right) > max(wrong)
    assert np.mean(right) - np.mean(wrong) > 0.4
    assert history[-1].train_loss < 0.8 * history[0].train_loss


def test_scores_do_not_depend_on_how_squares_are_batched(taught):
    frames, beating, still = two_disks(30)
    many = np.repeat([beating, still], 150, axis=0)
    one, two = Scorer([taught[0]], Cutters(frames[:, None].repeat(2, 1)), QUICK).score([(0, many), (1, many[149:151])])
    assert one.shape == (300,)
    np.testing.assert_allclose(one[[0, -1]], two, atol=1e-5)


def test_several_networks_are_averaged(taught):
    prepare_torch(QUICK, 9)
    frames, beating, still = two_disks(30)
    squares = np.stack([beating, still])
    networks = [taught[0], fresh_network(make_overlaps([lesson(1)], 8, other_disk, 1)["c1"]).eval()]
    alone = [Scorer([each], Cutters(frames[:, None]), QUICK).score([(0, squares)])[0] for each in networks]
    (both,) = Scorer(networks, Cutters(frames[:, None]), QUICK).score([(0, squares)])
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=1e-6)


def test_between_wrong_and_right_a_square_is_partly_right():
    settings = QUICK.model_copy(update={"wrong_iou": 0.2, "right_iou": 0.7})
    some = Examples(np.zeros((4, 6, 25, 25), np.uint8), np.array([0.1, 0.2, 0.45, 0.8], np.float32))
    task = Deciding(some, some, settings)
    np.testing.assert_allclose(task._rightness(some.targets), [0, 0, 0.5, 1], atol=1e-6)
    assert task.weights[0] < task.weights[1], "right ones are fewer and weigh more"


def test_examples_are_right_wrong_and_between_and_the_same_each_time():
    first, again = (make_overlaps([lesson(3)], 200, other_disk, 1)["c3"] for _ in range(2))
    np.testing.assert_array_equal(first.images_ncyx, again.images_ncyx)
    assert len(first) == 200
    assert 0.15 < (first.targets > 0.6).mean() < 0.6
    assert (first.targets < 0.3).mean() > 0.2
    assert first.images_ncyx.shape == (200, 6, 25, 25)


def test_cases_differ_and_do_not_depend_on_each_other():
    one = lesson(3)
    alone = make_overlaps([one], 20, other_disk, 1)["c3"]
    both = make_overlaps([replace(one, case="twin"), one], 20, other_disk, 1)
    np.testing.assert_array_equal(both["c3"].targets, alone.targets)
    assert not np.array_equal(both["twin"].targets, alone.targets)


def test_the_mean_of_the_training_squares_is_in_the_network():
    examples = make_overlaps([lesson(3)], 30, other_disk, 1)["c3"]
    expected = standardise(torch.from_numpy(examples.images_ncyx).float()).mean(dim=0)
    torch.testing.assert_close(fresh_network(examples).mean, expected, atol=1e-5, rtol=1e-5)
