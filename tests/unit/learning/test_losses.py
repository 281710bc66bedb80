"""Each loss beside its closed form; pixels that nobody drew change none."""

import math

import pytest
import torch

from lvpipe.config.train import TrainSettings
from lvpipe.learning.losses import make_loss

NAMES = ["dice_ce", "dice_each_ce", "dice", "bce", "focal", "squared"]


def loss_of(name: str, **settings):
    return make_loss(TrainSettings(loss=name, **settings))


def some(labels: int = 1, n: int = 3, side: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(n, labels, side, side, generator=random)
    return logits, (torch.rand(logits.shape, generator=random) > 0.6).float()


def expected(name: str, logits: torch.Tensor, targets: torch.Tensor) -> float:
    p, y = torch.sigmoid(logits.double()), targets.double()
    right = p * y + (1 - p) * (1 - y)
    dice = (1 - 2 * (p * y).sum((0, 2, 3)) / (p + y).sum((0, 2, 3))).mean()
    each = (1 - 2 * (p * y).sum((2, 3)) / (p + y).sum((2, 3))).mean()
    return {
        "dice_each_ce": each - right.log().mean(),
        "squared": ((p - y) ** 2).sum() / len(p),
        "bce": -right.log().mean(),
        "focal": -((1 - right) ** 2 * right.log()).mean(),
        "dice": dice,
        "dice_ce": dice - right.log().mean(),
    }[name].item()


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_has_the_value_of_its_formula(name, labels):
    logits, targets = some(labels)
    assert loss_of(name)(logits, targets).item() == pytest.approx(expected(name, logits, targets), rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_drew_changes_neither_loss_nor_weights(name):
    logits, targets = some(2)
    logits.requires_grad_()
    known = torch.ones(3, 1, 8, 8)
    known[:, :, :3] = 0
    loss = loss_of(name)(logits, targets, known)
    assert loss.item() == pytest.approx(loss_of(name)(logits[:, :, 3:], targets[:, :, 3:]).item(), rel=1e-4)
    loss.backward()
    assert not logits.grad[:, :, :3].any()
    assert logits.grad[:, :, 3:].all()
    everything = loss_of(name)(logits, targets, torch.ones(1, 1, 1, 1))
    assert everything.item() == pytest.approx(loss_of(name)(logits, targets).item(), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_label_of_which_nothing_is_known_has_no_loss_and_no_slope(name):
    logits, targets = some(1)
    logits.requires_grad_()
    loss = loss_of(name)(logits, targets, torch.zeros(3, 1, 1, 1))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert not logits.grad.any()


@pytest.mark.parametrize(("scale", "slope"), [(1.0, -0.5), (255.0, -254.5)])
def test_targets_that_were_not_divided_by_255_pull_without_bound(scale, slope):
    """Cross-entropy's slope is the probability less the target; at a logit of 0 the probability is one half."""
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)
    targets = torch.zeros(1, 1, 4, 4)
    targets[..., :2] = 1
    loss_of("bce", target_scale=scale)(logits, targets).backward()
    slopes = logits.grad * logits.numel()
    assert slopes[targets > 0].unique().tolist() == pytest.approx([slope])
    assert slopes[targets == 0].unique().tolist() == pytest.approx([0.5])


def test_the_slope_of_the_sum_of_squares():
    """2 (p - y) p (1 - p), shared by the images."""
    logits, targets = some()
    logits.requires_grad_()
    loss_of("squared")(logits, targets).backward()
    p = torch.sigmoid(logits.detach())
    torch.testing.assert_close(logits.grad, 2 * (p - targets) * p * (1 - p) / 3)


def test_only_cross_entropy_has_a_scale():
    with pytest.raises(ValueError, match="target_scale is 255 with the loss dice_ce; expected 1, or bce"):
        TrainSettings(target_scale=255)


def test_a_perfect_drawing_has_nearly_no_loss():
    _, targets = some()
    for name in NAMES:
        assert loss_of(name)(40 * targets - 20, targets).item() < 1e-4, name
    assert loss_of("bce")(torch.zeros_like(targets), targets).item() == pytest.approx(math.log(2))
