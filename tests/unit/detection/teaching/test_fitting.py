"""What the fitter learns: squares near drawn rings are moved and sized to them."""

import numpy as np
import pytest
import torch
from drawn_hearts import ring_lesson

from lvpipe.config.detect import FitterSettings
from lvpipe.detection.fitter import Fitter, corrected
from lvpipe.detection.patches import Cutters
from lvpipe.detection.teaching.examples import Examples, join
from lvpipe.detection.teaching.fits import make_fits
from lvpipe.detection.teaching.fitting import Fitting
from lvpipe.learning.checkpoint import Checkpoint
from lvpipe.learning.device import prepare_torch
from lvpipe.learning.loop import train
from lvpipe.learning.weights import build_network

pytestmark = pytest.mark.usefixtures("torch_as_it_was")

QUICK = FitterSettings(epochs=9, batch_images=32, precision="float32", slice_images=40, epoch_images=800)


@pytest.fixture(scope="module")
def fits():
    return list(make_fits(map(ring_lesson, range(24)), QUICK.slice_images, 1).values())


def joined(parts):
    return join(dict(enumerate(parts)), range(len(parts)))


@pytest.fixture(scope="module")
def taught(fits, tmp_path_factory):
    """A network that learnt from twenty rings and watched four."""
    prepare_torch(QUICK, QUICK.seed)
    network, task = build_network("roi_fit", {}), Fitting(joined(fits[:20]), joined(fits[20:]), QUICK)
    history, best = train(network, task, QUICK, Checkpoint(tmp_path_factory.mktemp("fitting") / "c"))
    network.load_state_dict(best)
    return network.eval(), history


def about(square, number, n=4):
    """Squares off by 15 % of the side, and by 18 % larger or smaller at most."""
    dice = np.random.default_rng(number)
    angle = dice.uniform(0, 2 * np.pi, n)
    middles = square[:2] + 0.15 * square[2] * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.column_stack([middles, square[2] * np.exp(dice.uniform(-0.17, 0.17, n))])


def fitted(networks, lesson, squares):
    return np.stack(Fitter(networks, Cutters(lesson.moments_tzyx), QUICK).fit([(0, square) for square in squares]))


def test_squares_near_unseen_rings_are_brought_to_them(taught):
    for number in range(100, 112):
        lesson = ring_lesson(number)
        square, squares = lesson.squares[0], about(lesson.squares[0], number)
        found = fitted([taught[0]], lesson, squares)
        assert np.hypot(*(found[:, :2] - square[:2]).T).max() < 0.05 * square[2]
        np.testing.assert_allclose(found[:, 2], square[2], rtol=0.05)


def test_it_learns_and_tells_how_well(taught):
    history = taught[1]
    assert history[-1].train_loss < 0.3 * history[0].train_loss
    assert max(row.watch_score for row in history) > 0.8
    assert history[0].watch_score < 0.5


def test_a_second_look_mends_what_the_first_left(taught, monkeypatch):
    lesson, off = ring_lesson(105), []
    far = lesson.squares[0] * [1, 1, 1.3] + lesson.squares[0, 2] * np.array([0.25, 0.2, 0])
    for times in (1, 3):
        monkeypatch.setattr("lvpipe.detection.fitter._TIMES", times)
        (found,) = fitted([taught[0]], lesson, [far])
        off.append(np.abs(found - lesson.squares[0]).max())
    assert off[1] < off[0]


def test_several_slices_at_once_are_fitted_as_one_at_a_time(taught):
    lessons = [ring_lesson(number) for number in (100, 101, 102)]
    cutters = Cutters(np.concatenate([lesson.moments_tzyx for lesson in lessons], axis=1))
    fitter = Fitter([taught[0]], cutters, QUICK)
    guesses = [(z, about(lessons[z].squares[0], z)[0]) for z in (2, 0, 1)]
    together = fitter.fit(guesses)
    alone = [fitter.fit([guess])[0] for guess in guesses]
    np.testing.assert_allclose(together, alone, atol=1e-2)
    for (z, _), found in zip(guesses, together, strict=True):
        np.testing.assert_allclose(found, lessons[z].squares[0], atol=0.05 * lessons[z].squares[0, 2])


def test_several_networks_are_averaged(taught, monkeypatch):
    """Their corrections are: what two networks say is halfway between what each one says."""
    monkeypatch.setattr("lvpipe.detection.fitter._TIMES", 1)
    torch.manual_seed(9)
    other = build_network("roi_fit", {}).eval()
    lesson = ring_lesson(105)
    squares = about(lesson.squares[0], 0)
    one, two, both = (fitted(networks, lesson, squares) for networks in ([taught[0]], [other], [taught[0], other]))
    assert np.abs(one - two).max() > 1
    np.testing.assert_allclose(both[:, :2], (one + two)[:, :2] / 2, atol=1e-4)
    np.testing.assert_allclose(both[:, 2], np.sqrt(one[:, 2] * two[:, 2]), atol=1e-4)


class Says(torch.nn.Module):
    """A network that says the same of every patch."""

    def __init__(self, *correction):
        super().__init__()
        self.correction = torch.tensor([correction])

    def forward(self, patches):
        return self.correction.repeat(len(patches), 1)


@pytest.mark.parametrize(
    ("said", "loss", "score"),
    [
        ((0.1, -0.1, 0.2), 0, 1),
        ((0.14, -0.1, 0.2), (0.04 - 0.01) / 3, 1),
        ((0.1, -0.1, 0.9), (0.7 - 0.01) / 3, 1),
        ((0.14, -0.14, 0.2), 2 * (0.04 - 0.01) / 3, 0),
        ((0.1, -0.09, 0.2), 0.01**2 / 2 / 0.02 / 3, 1),
    ],
)
def test_a_square_is_fitted_whose_middle_is_near(said, loss, score):
    """Small errors count by their square; the size has no part in the score. Batches are of unequal size."""
    wanted = np.tile(np.float32([0.1, -0.1, 0.2]), (4 * QUICK.batch_images + 5, 1))
    watch = Examples(np.zeros((len(wanted), 6, 25, 25), np.uint8), wanted)
    assert Fitting(watch, watch, QUICK).evaluate(Says(*said))[:2] == pytest.approx((loss, score), abs=1e-6)


def test_what_is_watched_is_the_mean_over_squares_however_they_are_batched(taught, fits):
    watch = joined(fits[:2])
    tasks = [Fitting(watch, watch, QUICK.model_copy(update={"batch_images": size})) for size in (len(watch), 7)]
    with torch.inference_mode():
        found = [task.evaluate(taught[0]) for task in tasks]
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_corrections_are_turned_with_their_patches(taught, fits):
    """The taught network errs no more on turned squares than on those that lie as they were drawn."""
    learn = joined(fits[20:])
    task = Fitting(learn, learn, QUICK)
    patches, wanted = torch.from_numpy(learn.images_ncyx).float(), torch.from_numpy(learn.targets)
    with torch.inference_mode():
        turned, still = float(task.loss(taught[0], (patches, wanted))), task.evaluate(taught[0])[0]
    assert turned < 2 * still
    shuffled = wanted[torch.randperm(len(wanted), generator=torch.Generator().manual_seed(1))]
    with torch.inference_mode():
        assert float(task.loss(taught[0], (patches, shuffled))) > 5 * still


def test_batches_hold_every_square_once_or_as_many_as_asked(fits):
    some = Examples(np.zeros((21, 6, 25, 25), np.uint8), np.arange(63, dtype=np.float32).reshape(21, 3))
    whole = Fitting(some, some, QUICK.model_copy(update={"batch_images": 8}))
    seen = [batch[1].numpy() for batch in whole.batches(np.random.default_rng(1))]
    assert [len(one) for one in seen] == [7, 7, 7]
    np.testing.assert_array_equal(np.sort(np.concatenate(seen), axis=0), some.targets)
    few = Fitting(some, some, QUICK.model_copy(update={"batch_images": 8, "epoch_images": 10}))
    order = np.random.default_rng(1)
    one, other = (np.concatenate([b[1].numpy() for b in few.batches(order)]) for _ in range(2))
    assert (len(one), few.images) == (10, 10)
    assert not np.array_equal(one, other), "a fresh draw each"


def test_a_network_that_says_nothing_moves_nothing():
    lesson = ring_lesson(3)
    squares = about(lesson.squares[0], 3)
    np.testing.assert_array_equal(fitted([Says(0.0, 0, 0)], lesson, squares), squares)
    three = fitted([Says(0.1, 0, 0.05)], lesson, squares)
    expected = squares
    for _ in range(3):
        expected = corrected(expected, np.tile([0.1, 0, 0.05], (len(squares), 1)))
    np.testing.assert_allclose(three, expected, rtol=1e-6)
