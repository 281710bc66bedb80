"""Every network that draws: built, taught a step on its smallest window, stored and read; the small ones overfit."""

import pytest
import torch
from torch import nn

from lvpipe import network_options
from lvpipe.errors import UserError
from lvpipe.learning.weights import build_network, read_network, start_from, write_weights

UNTAUGHT = {
    "hfcn": "area.",  # areas and volumes teach it
    "basic_unet_plus_plus": "nested.final_conv_0_",  # MONAI's heads of deep supervision, which is off
}
LARGE = ("net2", "net3", "atrium_unet", "flexible_unet")
"""More than 10 million parameters: they are stored as all others are."""


def smallest_side(name):
    source = network_options.read_source(name)
    return source.said.get("SIDE") or max(16, 2 * source.multiple({}))


@pytest.mark.parametrize("name", network_options.list_drawing())
def test_it_learns_from_its_smallest_window(name, monkeypatch):
    monkeypatch.setattr("lvpipe.networks.net2._CODE", (1, 16, 16))  # a quarter of its weights, and of the time
    torch.manual_seed(0)
    side = smallest_side(name)
    network = build_network(name, {"outputs": 2}).to(memory_format=torch.channels_last)
    images = torch.randn(2, 1, side, side)
    logits = network(images)
    assert logits.shape == (2, 2, side, side)
    nn.functional.binary_cross_entropy_with_logits(logits, (images > 0).float().expand_as(logits)).backward()
    untaught = [key for key, parameter in network.named_parameters() if parameter.grad is None]
    assert all(key.startswith(UNTAUGHT.get(name, "-")) for key in untaught), untaught
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", network_options.list_drawing())
def test_a_head_of_areas_teaches_what_draws(name, monkeypatch):
    monkeypatch.setattr("lvpipe.networks.net2._CODE", (1, 16, 16))
    torch.manual_seed(0)
    side = smallest_side(name)
    network = build_network(name, {"outputs": 2}, head=True)
    images = torch.randn(2, 1, side, side)
    fractions = network.fractions(images)
    assert fractions.shape == (2,)
    assert (fractions >= 0).all()
    fractions.sum().backward()
    slopes = {key: parameter.grad for key, parameter in network.named_parameters() if parameter.grad is not None}
    trunk = [grad for key, grad in slopes.items() if not key.startswith("area.")]
    assert any(grad.abs().sum() > 0 for grad in trunk[:2]), "the first layer is reached"
    assert all(grad.isfinite().all() for grad in slopes.values())


@pytest.mark.parametrize("name", [name for name in network_options.list_drawing() if name not in LARGE])
def test_it_comes_back_from_its_file(tmp_path, name):
    network = build_network(name, {"outputs": 2}).eval().to(memory_format=torch.channels_last)  # as it is read
    file, images = tmp_path / "m.safetensors", torch.randn(1, 1, 64, 64)
    write_weights(file, network.state_dict(), {"network": name, "options": {"outputs": 2}})
    weights = sum(tensor.numel() for tensor in network.state_dict().values())
    assert file.stat().st_size < 4.1 * weights + 50_000, "no weight stands in it twice"
    with torch.no_grad():
        torch.testing.assert_close(read_network(file, name)(images), network(images))


@pytest.mark.parametrize(
    ("name", "options", "dice"),
    [
        ("net1", {}, 0.95),
        ("hfcn", {}, 0.95),
        ("fcn_sum", {}, 0.8),  # the finest of its four maps has half the image's side
        ("unet", {"channels": [8, 16]}, 0.95),
        ("attention_unet", {"channels": [8, 16]}, 0.95),
    ],
)
def test_the_small_ones_learn_a_few_images_by_heart(name, options, dice):
    torch.manual_seed(0)
    side = 32
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disks = [
        ((rows - y) ** 2 + (columns - x) ** 2 < r * r).float() for y, x, r in ((12, 12, 6), (20, 14, 8), (16, 20, 4))
    ]
    targets = torch.stack(disks)[:, None]
    images = targets + 0.3 * torch.randn_like(targets)
    network = build_network(name, options)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01 if name != "net1" else 0.003)
    for _ in range(50):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(network(images), targets).backward()
        optimiser.step()
    drawn = (network(images) > 0).float()
    assert float(2 * (drawn * targets).sum() / (drawn.sum() + targets.sum())) > dice


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("unet", {"channels": [8]}, "channels"),
        ("net3", {"dropout": 3.0}, "between 0 and 1"),
        ("segresnet", {"filters": 10}, "must be divisible"),
        ("basic_unet", {"features": [4, 4]}, "length 6"),
        ("sinha_unet", {"dropout": [0.1, 0.2]}, "dropout has 2 rates, expected one number or 10"),
    ],
)
def test_options_that_make_no_network_are_told_in_one_line(name, options, words):
    with pytest.raises(UserError, match=rf"network {name} cannot be built with options .*{words}.*mend the model's"):
        build_network(name, options)


def test_a_general_head_begins_as_the_cavitys_probability_and_learns_to_correct_it():
    torch.manual_seed(0)
    network, images = build_network("unet", {"channels": [4, 8]}, head=True), torch.randn(3, 1, 16, 16)
    probability = network(images).sigmoid().mean(dim=(1, 2, 3))
    torch.testing.assert_close(network.fractions(images), probability)
    optimiser = torch.optim.Adam(network.area.parameters(), lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        (network.fractions(images) - 0.1).abs().sum().backward()
        optimiser.step()
    torch.testing.assert_close(network.fractions(images), torch.full((3,), 0.1), atol=0.03, rtol=0)
    torch.testing.assert_close(network.eval()(images), network.drawing(images))


@pytest.mark.parametrize("name", ["unet", "hfcn"])
def test_a_head_comes_back_from_the_file_and_a_start_may_lack_it(tmp_path, name):
    plain, headed = ({"network": name, "options": {"outputs": 2}, **more} for more in ({}, {"head": True}))
    drawing, file, images = build_network(**plain).eval(), tmp_path / "m.safetensors", torch.randn(1, 1, 32, 32)
    write_weights(file, drawing.state_dict(), plain)
    network = build_network(**headed).eval()
    start_from(file, network, headed)
    torch.testing.assert_close(network(images), drawing(images))
    write_weights(file, network.state_dict(), headed)
    torch.testing.assert_close(read_network(file).fractions(images), network.fractions(images))
    again = build_network(**plain).eval()
    start_from(file, again, plain)
    torch.testing.assert_close(again(images), drawing(images))


def test_a_start_of_other_options_is_told_in_one_line(tmp_path):
    file, other = tmp_path / "m.safetensors", {"network": "unet", "options": {"channels": [4, 8]}}
    write_weights(file, build_network(**other).state_dict(), other)
    wanted = {"network": "unet", "options": {"channels": [8, 8]}}
    with pytest.raises(UserError, match=r"m\.safetensors: its weights do not fit the network unet") as caught:
        start_from(file, build_network(**wanted), wanted)
    assert "\n" not in str(caught.value)
