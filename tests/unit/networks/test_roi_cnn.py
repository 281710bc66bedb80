import pytest
import torch

from lvpipe.learning.weights import build_network, read_network, write_weights


def test_the_network_has_the_table_s_parameters():
    network = build_network("roi_cnn", {})
    assert sum(parameter.numel() for parameter in network.parameters()) == 39_970
    biases = [module.bias for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert 39_970 - sum(bias.numel() for bias in biases) == 39_874, "the table's count without biases"


def test_every_layer_is_as_wide_as_the_table_says():
    patches, sides = torch.zeros(3, 6, 25, 25), []
    for layer in build_network("roi_cnn", {}).layers:
        patches = layer(patches)
        if isinstance(layer, torch.nn.ReLU | torch.nn.MaxPool2d | torch.nn.AvgPool2d):
            sides.append(tuple(patches.shape[1:]))
    assert sides == [(32, 25, 25), (32, 12, 12), (32, 12, 12), (32, 6, 6), (32, 6, 6), (32, 1, 1)]
    assert patches.shape == (3, 2)


def test_the_mean_is_subtracted_and_kept_with_the_weights(tmp_path):
    network = build_network("roi_cnn", {}).eval()
    shown = torch.rand(2, 6, 25, 25)
    before = network(shown)
    network.mean += shown[0]
    assert not torch.allclose(network(shown), before)
    write_weights(tmp_path / "m.safetensors", network.state_dict(), {"network": "roi_cnn", "options": {}})
    again = read_network(tmp_path / "m.safetensors")
    torch.testing.assert_close(again(shown), network(shown))
    assert again.mean.numpy() == pytest.approx(shown[0].numpy())
