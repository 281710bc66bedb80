"""The papers' networks: parameters to the unit, shapes, how weights start, and what forward computes."""

import math

import pytest
import torch
from torch import nn

from lvpipe.learning.batches import compute
from lvpipe.learning.weights import build_network
from lvpipe.networks import _layers
from lvpipe.networks.fusion import fuse

COUNTS = [
    ("net1", {}, 74_561, 0),
    ("net2", {}, 68_585_601, 3_584),
    ("net3", {}, 19_942_145, 5_760),
    ("net3", {"batch_norm": False}, 19_939_265, 0),
    ("net3_regression", {}, 23_609_795, 2_944),
    ("net3_regression", {"batch_norm": False}, 23_608_323, 0),
    ("net4", {}, 2 * 33_876_417, 0),  # one of EDV, one of ESV
    ("atrium_unet", {}, 31_036_481, 11_776),
    ("hfcn", {"variant": "A"}, 178_691, 928),
    ("hfcn", {"variant": "B"}, 193_907, 1_048),
    ("hfcn", {"variant": "P"}, 177_397, 928),
    ("fcn_sum", {}, 441_008, 1_360),
    ("fusion", {}, 7, 0),
    ("sinha_unet", {"outputs": 3}, 8_480_739, 0),
    ("sinha_unet", {"outputs": 3, "dropout": 0.0}, 8_480_739, 0),
    ("resunet", {"outputs": 3}, 4_715_507, 7_296),
    ("fcn_noskip", {"outputs": 3}, 7_697_379, 0),
    ("fcn_source", {"outputs": 3}, 7_743_459, 0),
]


@pytest.mark.parametrize(("name", "options", "trained", "kept"), COUNTS)
def test_the_parameters_are_those_of_the_paper(name, options, trained, kept):
    with torch.device("meta"):
        network = build_network(name, options)
    assert sum(parameter.numel() for parameter in network.parameters()) == trained
    running = [tensor for key, tensor in network.named_buffers() if "running" in key]
    assert sum(tensor.numel() for tensor in running) == kept


@pytest.mark.parametrize(
    ("name", "options", "shape", "out"),
    [
        ("net1", {"outputs": 2}, (1, 20, 24), (2, 20, 24)),
        ("net2", {}, (1, 128, 128), (1, 128, 128)),
        ("net3", {"outputs": 3}, (1, 128, 128), (3, 128, 128)),
        ("net3_regression", {}, (1, 128, 128), (3,)),
        ("net4", {"channels": 5}, (5, 128, 128), (2,)),
        ("atrium_unet", {"outputs": 2}, (1, 37, 50), (2, 37, 50)),
        ("hfcn", {"outputs": 3}, (1, 48, 56), (3, 48, 56)),
        ("fcn_sum", {"outputs": 2}, (1, 48, 64), (2, 48, 64)),
        ("sinha_unet", {"outputs": 3}, (1, 256, 256), (3, 256, 256)),
        ("resunet", {"outputs": 3}, (1, 256, 256), (3, 256, 256)),
        ("fcn_noskip", {"outputs": 3}, (1, 32, 64), (3, 32, 64)),
        ("fcn_source", {"outputs": 3}, (1, 32, 64), (3, 32, 64)),
    ],
)
def test_what_comes_out_has_the_shape_that_it_should(name, options, shape, out):
    with torch.device("meta"):
        assert build_network(name, options)(torch.zeros(2, *shape)).shape == (2, *out)


NORMS = [("net3", 1e-4, 0.1), ("hfcn", 1e-4, 0.1), ("fcn_sum", 1e-4, 0.1), ("resunet", 1e-3, 0.01)]


@pytest.mark.parametrize(("name", "epsilon", "momentum"), [*NORMS, ("atrium_unet", 1e-5, 0.1)])
def test_batches_are_normalised_with_the_framework_s_constants(name, epsilon, momentum):
    with torch.device("meta"):
        norms = [layer for layer in build_network(name, {}).modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {(layer.eps, layer.momentum) for layer in norms} == {(epsilon, momentum)}


@pytest.mark.parametrize(
    ("start", "expected", "largest"),
    [
        # A uniform distribution's standard deviation is its limit / sqrt(3).
        (_layers.start_glorot, lambda into, out: math.sqrt(2 / (into + out)), math.sqrt(3)),
        (_layers.start_he_lasagne, lambda into, out: math.sqrt(1 / into), math.inf),
        (_layers.start_he_keras, lambda into, out: math.sqrt(2 / into), 2 / 0.87962566103423978),
    ],
)
def test_weights_start_as_wide_as_the_formula_says(start, expected, largest):
    torch.manual_seed(1)
    layer = nn.Conv2d(128, 64, 3)
    start(layer)
    sd = expected(128 * 9, 64 * 9)
    assert float(layer.weight.detach().std()) == pytest.approx(sd, rel=0.02)
    assert float(layer.weight.detach().abs().max()) <= largest * sd * (1 + 1e-6)
    assert not layer.bias.detach().any()


@pytest.mark.parametrize(
    ("name", "layer", "fans"),
    [
        ("hfcn", "trunk.3.1.0", (64 * 9, None)),
        ("fcn_sum", "trunk.3.1.0", (128 * 9, None)),
        ("resunet", "bridge.0.3", (256 * 9, 256 * 9)),
        ("fcn_noskip", "enlarge.0", (512 * 4, 256 * 4)),
    ],
)
def test_every_network_starts_as_its_framework_did(name, layer, fans):
    torch.manual_seed(1)
    weight = build_network(name, {}).get_submodule(layer).weight.detach()
    variance = 1 / fans[0] if fans[1] is None else 2 / sum(fans)
    assert float(weight.std()) == pytest.approx(math.sqrt(variance), rel=0.02)


def test_the_u_net_s_convolutions_start_normal_and_its_last_layer_uniform():
    torch.manual_seed(1)
    network = build_network("sinha_unet", {"outputs": 64})
    middle = network.down[3][3].weight.detach()
    assert float(middle.std()) == pytest.approx(math.sqrt(2 / (256 * 9)), rel=0.02)
    assert float(network.head.weight.detach().abs().max()) <= math.sqrt(6 / (32 + 64))


@pytest.mark.parametrize("name", ["net1", "hfcn", "fcn_sum", "resunet"])
def test_the_same_seed_starts_the_same_weights(name):
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(torch.cat([p.detach().flatten() for p in build_network(name, {}).parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(("dropout", "rates"), [(0.5, [0.5] * 10), ([0.5, 0.4] * 5, [0.5, 0.4] * 5)])
def test_sinha_s_ten_dropouts_have_the_rates_that_are_told(dropout, rates):
    with torch.device("meta"):
        network = build_network("sinha_unet", {"dropout": dropout})
    blocks = [block[2].p for block in network.down]
    assert [*blocks, network.end.p, *(block[2].p for block in network.up)] == rates


def test_a_residual_unit_of_stride_two_pads_at_the_end_alone():
    from lvpipe.networks.resunet import _unit

    image = torch.rand(1, 1, 8, 8).add(1).requires_grad_()
    _unit(1, 1, stride=2).eval()(image)[0, 0, 1, 3].backward()
    rows, columns = (set(indices.tolist()) for indices in image.grad[0, 0].nonzero(as_tuple=True))
    assert rows == {2, 3, 4}
    assert columns == {6, 7}


@pytest.mark.parametrize("variant", ["A", "B", "P"])
def test_a_logit_is_the_softmax_of_two_scores_and_forward_gives_the_same_as_both(variant):
    network = build_network("hfcn", {"variant": variant, "outputs": 2}).eval()
    images, scores = torch.randn(2, 1, 48, 48), []
    network.scores.register_forward_hook(lambda layer, given, found: scores.append(found))
    with torch.no_grad():
        logits, area = network.both(images)
        torch.testing.assert_close(network(images), logits)
    assert area.shape == (2, 1, 48, 48)
    for label in (0, 1):
        expected = scores[0][:, 2 * label : 2 * label + 2].softmax(dim=1)[:, 0]
        torch.testing.assert_close(logits[:, label].sigmoid(), expected)


@pytest.mark.parametrize(
    ("variant", "activation", "negative"),
    [("B", "own", False), ("B", "linear", True), ("P", "own", True), ("P", "relu", False)],
)
def test_the_map_of_areas_is_rectified_as_the_code_has_it_or_linear_as_the_text_has_it(variant, activation, negative):
    network = build_network("hfcn", {"variant": variant, "o_activation": activation}).eval()
    convolution = [layer for layer in network.area if isinstance(layer, nn.Conv2d)][-1]
    nn.init.constant_(convolution.bias, -100.0)
    with torch.no_grad():
        area = network.both(torch.randn(1, 1, 16, 16))[1]
    assert bool((area < 0).any()) is negative


def test_a_label_more_leaves_the_area_head_one_map():
    with torch.device("meta"):
        network = build_network("hfcn", {"outputs": 3})
    assert network.area[-2].out_channels == 1
    assert network.area[0][0].in_channels == 3 * 20 + 6


def test_four_depths_are_enlarged_and_averaged():
    network, scores = build_network("fcn_sum", {}).eval(), []
    for head in network.heads:
        head.register_forward_hook(lambda layer, given, found: scores.append(found))
    with torch.no_grad():
        logits, area = network.both(torch.randn(2, 1, 32, 32))
    whole = [
        one.softmax(dim=1)[:, :1].repeat_interleave(f, 2).repeat_interleave(f, 3)
        for one, f in zip(scores, (2, 4, 8, 16), strict=True)
    ]
    torch.testing.assert_close(area, torch.stack(whole).mean(dim=0))
    torch.testing.assert_close(logits.sigmoid(), area)


def test_six_maps_fused_are_their_mean_until_weights_are_learnt():
    networks = [build_network("hfcn", {"variant": variant}).eval() for variant in ("A", "A", "B")]
    networks += [build_network("fcn_sum", {}).eval()] * 3
    fusion, images = build_network("fusion", {}), torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        mean = torch.stack([network.both(images)[1] for network in networks]).mean(dim=0)
        torch.testing.assert_close(fuse(networks, images), mean)
        torch.testing.assert_close(fuse(networks, images, fusion), mean)
        nn.init.zeros_(fusion.weigh.weight[:, :3])
        torch.testing.assert_close(fuse(networks, images, fusion), fuse(networks[3:], images) / 2)
        nn.init.constant_(fusion.weigh.bias, -1000.0)
        assert not fuse(networks, images, fusion).any()


SMALL_NET4 = {"channels": 3, "filters": [2, 3, 4], "dense": 5}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_volumes_start_where_they_are_told_and_are_rounded_in_no_precision(precision):
    network = build_network("net4", SMALL_NET4)
    network.start_at(137.25, 60.5)
    assert compute(network, torch.zeros(1, 3, 128, 128), precision).tolist() == [[137.25, 60.5]]


def test_what_teaches_edv_leaves_the_network_of_esv_as_it_is():
    network = build_network("net4", SMALL_NET4)
    network(torch.rand(2, 3, 128, 128))[:, 0].sum().backward()
    assert network.diastole[-2].bias.grad.any()
    assert not any(parameter.grad.any() for parameter in network.systole.parameters())


def test_the_area_is_the_third_number_of_each_image():
    network, images = build_network("net3_regression", {}).eval(), torch.randn(2, 1, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(network.fractions(images), network(images)[:, 2])
